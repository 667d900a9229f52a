import pytest
import torch

from m5kit.errors import ConfigError, ContractError
from m5kit.nn.draws import Draws
from m5kit.structures import Hidden, Observation
from m5kit.tasks.masked_features import MaskedFeaturesTask

DIM, OBSERVED = 8, 3


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def hide(masked, observation, seed=0):
    return masked.corrupt(observation, Draws(seed, "b", torch.arange(len(observation.values))))


def observed(items=300, length=12, **rest):
    values = torch.randn(items, length, OBSERVED, generator=seeded(1))
    lengths = torch.randint(1, length + 1, (items,), generator=seeded(2))
    return Observation(values, lengths, **rest)


def task(**arguments):
    torch.manual_seed(0)
    return MaskedFeaturesTask(modality="b", dim=DIM, observed=OBSERVED, **arguments)


def test_fifteen_percent_of_real_tokens_are_hidden_and_a_tenth_of_them_stays():
    observation = observed(items=2000)
    corrupted, hidden = hide(task(), observation)
    real, before = observation.mask.flatten(), observation.values.flatten(0, 1)
    zeroed = (corrupted.values.flatten(0, 1) == 0).all(dim=1)
    assert len(hidden.positions) / real.sum() == pytest.approx(0.15, abs=0.01)
    assert zeroed.sum() / len(hidden.positions) == pytest.approx(0.9, abs=0.02)
    assert real[hidden.positions].all()
    assert before[hidden.positions].equal(hidden.targets)
    assert zeroed[hidden.positions].sum() == zeroed.sum()
    assert corrupted.values.flatten(0, 1)[~zeroed].equal(before[~zeroed])


def test_whole_frames_are_hidden_by_group():
    groups = torch.arange(4).repeat_interleave(3).expand(300, 12)
    observation = Observation(torch.ones(300, 12, OBSERVED), torch.full((300,), 12), groups)
    corrupted, _ = hide(task(unit="group", rate=0.3), observation, 1)
    gone = (corrupted.values == 0).all(dim=2).view(300, 4, 3)
    assert (gone == gone[..., :1]).all()
    assert gone.float().mean() == pytest.approx(0.27, abs=0.03)
    apart, _ = hide(task(unit="token", rate=0.3), observation)
    single = (apart.values == 0).all(dim=2).view(300, 4, 3)
    assert not (single == single[..., :1]).all()


def test_without_groups_each_token_is_a_unit():
    first, _ = hide(task(unit="group"), observed())
    second, _ = hide(task(unit="token"), observed())
    assert first.values.equal(second.values)


def test_the_same_seed_hides_the_same():
    first, second, other = (hide(task(), observed(), seed)[0].values for seed in (5, 5, 6))
    assert first.equal(second)
    assert not first.equal(other)


def test_a_given_target_is_predicted_and_detached():
    target = torch.randn(300, 12, 5, requires_grad=True)
    observation = observed(target=target)
    _, hidden = hide(task(predicted=5), observation)
    assert not hidden.targets.requires_grad
    assert hidden.targets.equal(target.detach().flatten(0, 1)[hidden.positions])


def test_the_gradient_reaches_the_features_that_stay():
    values = torch.ones(1, 4, OBSERVED, requires_grad=True)
    corrupted, hidden = hide(task(rate=0.5, keep=0.0), Observation(values, torch.tensor([4])))
    corrupted.values.sum().backward()
    expected = torch.ones(4).index_fill(0, hidden.positions, 0)
    assert values.grad[0, :, 0].equal(expected)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("weight_on", ["loss", "prediction", "both", "none"])
def test_the_loss_is_the_squared_error_at_the_hidden_places(make_view, normalize, weight_on):
    weights = torch.rand(3, 2, generator=seeded())
    view = make_view([[1, 0], [1, 1], [0, 1]], weights=weights)
    target = torch.randn(2, OBSERVED, generator=seeded(3))
    masked = task(normalize=normalize, weight_on=weight_on)
    tokens = view.fused.tokens["b"].values
    prediction = masked.head(torch.stack([tokens[1, 1], tokens[2, 4]]))
    weight = weights[[1, 2], 1]
    if weight_on in ("prediction", "both"):
        prediction = prediction * weight[:, None]
    wanted = (target - target.mean(1, True)) / target.var(1, correction=0, keepdim=True).sqrt() if normalize else target
    each = (prediction - wanted).square().mean(dim=1)
    output = masked(view, Hidden(torch.tensor([0, 7]), target))
    torch.testing.assert_close(
        output.loss, (each * weight if weight_on in ("loss", "both") else each).sum(), rtol=1e-5, atol=1e-5
    )
    output.loss.backward()
    assert (tokens.grad.abs().sum(dim=2) > 0).nonzero().tolist() == [[1, 1], [2, 4]]


def test_the_encoded_tokens_can_be_read_instead(make_view):
    view, hidden = make_view([[1, 1]]), Hidden(torch.tensor([0]), torch.randn(1, OBSERVED))
    task(reads="encoded")(view, hidden).loss.backward()
    assert view.encoded["b"].values.grad.abs().sum() > 0
    assert view.fused.tokens["b"].values.grad is None


def test_nothing_hidden_is_a_zero_loss_that_can_be_propagated(make_view):
    view, masked = make_view([[1, 1], [1, 0]]), task(rate=0.0)
    _, hidden = hide(masked, observed(items=1, length=4))
    output = masked(view, hidden)
    output.loss.backward()
    assert output.loss.item() == 0
    absent = masked(make_view([[1, 0]]), None)
    absent.loss.backward()
    assert absent.loss.item() == 0


def test_a_flat_token_has_a_finite_target(make_view):
    output = task()(make_view([[1, 1]]), Hidden(torch.tensor([2]), torch.full((1, OBSERVED), 7.0)))
    assert output.loss.isfinite()


def test_ids_are_refused():
    with pytest.raises(ConfigError, match="encoder of 'b' shows ids, masked_features predicts features"):
        MaskedFeaturesTask(modality="b", dim=DIM, observed=None)
    with pytest.raises(ContractError, match=r"needs features of 'b', its encoder observed torch\.int64"):
        hide(task(), Observation(torch.ones(1, 2, 3, dtype=torch.int64), torch.tensor([2])))


def test_a_target_of_another_width_is_refused(make_view):
    with pytest.raises(ContractError, match="predicts 3 numbers a token, the target has 5; set predicted: 5"):
        task()(make_view([[1, 1]]), Hidden(torch.tensor([0]), torch.ones(1, 5)))


def test_impossible_shares_are_refused():
    with pytest.raises(ConfigError, match="expected shares from 0 to 1, also in sum, got keep=-1"):
        task(keep=-1)


def test_under_autocast_the_loss_is_in_single_precision(make_view):
    hidden = Hidden(torch.tensor([0, 3]), torch.randn(2, OBSERVED, generator=seeded()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = task()(make_view([[1, 1]]), hidden).loss
    assert lowered.dtype is torch.float32
    torch.testing.assert_close(lowered, task()(make_view([[1, 1]]), hidden).loss, atol=0.05, rtol=0.02)
