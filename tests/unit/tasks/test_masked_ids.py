import pytest
import torch

from m5kit.errors import ConfigError, ContractError
from m5kit.nn.draws import Draws
from m5kit.structures import Hidden, Observation
from m5kit.tasks.masked_ids import MaskedEntitiesTask, MaskedTokensTask

VOCABULARY, MASK, DIM = 50, 2, 8


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def hide(masked, observation, seed=0):
    return masked.corrupt(observation, Draws(seed, "b", torch.arange(len(observation.values))))


def ids(items=200, length=20, **rest):
    values = torch.randint(3, VOCABULARY, (items, length), generator=seeded(1))
    lengths = torch.randint(1, length + 1, (items,), generator=seeded(2))
    values[torch.arange(length) >= lengths[:, None]] = 0
    return Observation(values, lengths, vocabulary=VOCABULARY, mask_id=MASK, **rest)


def pairs(items=400):
    """Four pairs an item: two key tokens, a separator, two value tokens, a separator; then one token in no pair."""
    groups = torch.cat([torch.arange(4).repeat_interleave(6), torch.tensor([-1])]).expand(items, 25)
    roles = torch.cat([torch.tensor([1, 1, 0, 2, 2, 0]).repeat(4), torch.tensor([0])]).expand(items, 25)
    values = torch.randint(3, VOCABULARY, (items, 25), generator=seeded(1))
    return Observation(values, torch.full((items,), 25), groups, roles, VOCABULARY, MASK)


def task(kind=MaskedTokensTask, **arguments):
    torch.manual_seed(0)
    return kind(modality="b", dim=DIM, vocabulary=VOCABULARY, **arguments)


def test_fifteen_percent_of_real_tokens_are_hidden_eighty_ten_ten():
    observation = ids(items=2000)
    corrupted, hidden = hide(task(), observation)
    real, before, after = observation.mask.flatten(), observation.values.flatten(), corrupted.values.flatten()
    assert len(hidden.positions) / real.sum() == pytest.approx(0.15, abs=0.01)
    assert real[hidden.positions].all()
    assert before[hidden.positions].equal(hidden.targets)
    there = after[hidden.positions]
    assert (there == MASK).float().mean() == pytest.approx(0.8, abs=0.02)
    assert (there == hidden.targets).float().mean() == pytest.approx(0.1 + 0.1 / 47, abs=0.02)
    assert there[there != MASK].min() >= 3
    untouched = torch.ones_like(real).index_fill(0, hidden.positions, False)
    assert after[untouched].equal(before[untouched])


@pytest.mark.parametrize("kind", [MaskedTokensTask, MaskedEntitiesTask])
def test_the_same_seed_hides_the_same(kind):
    observation = pairs()
    first, second, other = (hide(task(kind), observation, seed) for seed in (5, 5, 6))
    assert first[0].values.equal(second[0].values)
    assert first[1].positions.equal(second[1].positions)
    assert not first[0].values.equal(other[0].values)


def test_corruption_leaves_its_input_alone():
    observation = ids()
    before = observation.values.clone()
    corrupted, _ = hide(task(rate=1.0), observation)
    assert observation.values.equal(before)
    assert corrupted.lengths is observation.lengths


def test_entities_lose_a_whole_value_a_whole_key_or_both():
    observation = pairs(items=3000)
    corrupted, hidden = hide(task(MaskedEntitiesTask), observation)
    masked = (corrupted.values == MASK)[:, :24].view(-1, 4, 6)
    key, value = masked[..., 0], masked[..., 3]
    assert masked.equal(torch.stack([key, key, key & False, value, value, key & False], dim=-1))
    assert not (corrupted.values == MASK)[:, 24].any()
    assert (key | value).float().mean() == pytest.approx(0.15, abs=0.01)
    some = (key | value).sum()
    assert (value & ~key).sum() / some == pytest.approx(0.5, abs=0.03)
    assert (key & ~value).sum() / some == pytest.approx(0.25, abs=0.03)
    assert (key & value).sum() / some == pytest.approx(0.25, abs=0.03)
    assert hidden.targets.equal(observation.values.flatten()[hidden.positions])
    assert hidden.positions.equal((corrupted.values == MASK).flatten().nonzero().squeeze(1))


def test_the_released_codes_entities_never_lose_both():
    corrupted, _ = hide(task(MaskedEntitiesTask, rate=1.0, value=0.5, key=0.5), pairs())
    masked = (corrupted.values == MASK)[:, :24].view(-1, 4, 6)
    assert (masked[..., 0] ^ masked[..., 3]).all()


def test_without_roles_a_unit_is_hidden_as_a_whole():
    groups = torch.tensor([[0, 0, 1, 1, 1]])
    observation = Observation(torch.full((1, 5), 9), torch.tensor([5]), groups, None, VOCABULARY, MASK)
    corrupted, hidden = hide(task(MaskedEntitiesTask, rate=1.0), observation)
    assert (corrupted.values == MASK).all()
    assert hidden.positions.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("reads", ["fused", "encoded"])
@pytest.mark.parametrize("weight_on", ["loss", "prediction", "both", "none"])
def test_the_loss_reads_the_token_behind_each_hidden_one(make_view, reads, weight_on):
    weights = torch.rand(4, 2, generator=seeded())
    view = make_view([[1, 0], [1, 1], [0, 1], [1, 1]], weights=weights)
    hidden = Hidden(torch.tensor([1, 4, 11]), torch.tensor([7, 3, 49]))  # p l = 3 4: items 1, 2, 3
    masked = task(reads=reads, weight_on=weight_on)
    tokens = (view.fused.tokens if reads == "fused" else view.encoded)["b"].values
    prediction = masked.head(torch.stack([tokens[1, 2], tokens[2, 1], tokens[3, 4]]))
    weight = weights[[1, 2, 3], 1]
    if weight_on in ("prediction", "both"):
        prediction = prediction * weight[:, None]
    each = -prediction.log_softmax(1)[range(3), hidden.targets]
    output = masked(view, hidden)
    torch.testing.assert_close(output.loss, ((each * weight) if weight_on in ("loss", "both") else each).sum())
    output.loss.backward()
    reached = tokens.grad.abs().sum(dim=2) > 0
    assert reached.nonzero().tolist() == [[1, 2], [2, 1], [3, 4]]


def test_right_guesses_are_logged(make_view):
    view, masked = make_view([[1, 1]] * 3), task()
    tokens = view.fused.tokens["b"].values
    best = masked.head(tokens[[0, 1], [1, 2]]).argmax(dim=1)
    output = masked(view, Hidden(torch.tensor([0, 5]), torch.stack([best[0], (best[1] + 1) % VOCABULARY])))
    assert output.logs["accuracy"].item() == 0.5
    assert not output.logs["accuracy"].requires_grad


def test_nothing_hidden_is_a_zero_loss_that_can_be_propagated(make_view):
    view, masked = make_view([[1, 1]]), task()
    output = masked(view, Hidden(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)))
    output.loss.backward()
    assert output.loss.item() == 0
    assert not output.logs
    assert all(parameter.grad.abs().sum() == 0 for parameter in masked.parameters())


def test_a_modality_that_nobody_has_is_a_zero_loss_that_can_be_propagated(make_view):
    view = make_view([[1, 0], [1, 0]])
    output = task()(view, None)
    output.loss.backward()
    assert output.loss.item() == 0
    assert view.features.grad.abs().sum() == 0


def test_items_alone_and_of_one_token_are_no_exception(make_view):
    masked = task(rate=1.0)
    _, hidden = hide(masked, ids(items=1, length=1))
    assert masked(make_view([[0, 1]], observed=1), hidden).loss > 0


@pytest.mark.parametrize(("vocabulary", "shown"), [(None, "features"), (3, "only 3 ids")])
def test_an_encoder_without_ids_is_refused(vocabulary, shown):
    with pytest.raises(ConfigError, match=f"encoder of 'b' shows {shown}, this task predicts ids"):
        MaskedTokensTask(modality="b", dim=DIM, vocabulary=vocabulary)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(MaskedTokensTask, {"rate": 1.5}), (MaskedTokensTask, {"masked": 0.95}), (MaskedEntitiesTask, {"key": -0.1})],
)
def test_impossible_shares_are_refused(kind, arguments):
    with pytest.raises(ConfigError, match="expected shares from 0 to 1"):
        task(kind, **arguments)


def test_observations_that_lack_something_are_refused():
    with pytest.raises(ContractError, match="has no groups"):
        hide(task(MaskedEntitiesTask), ids())
    bare = Observation(torch.ones(1, 2, dtype=torch.int64), torch.tensor([2]))
    with pytest.raises(ContractError, match="names no mask_id"):
        hide(task(), bare)
