from dataclasses import replace

import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.nn.contrast import sigmoid_contrastive
from m5kit.nn.losses import infonce, ntxent, paper_contrastive
from m5kit.registry import TASKS
from m5kit.structures import Harmony, Mean
from m5kit.tasks.contrastive import ContrastiveTask
from m5kit.testing.views import facts_of

ALL = [[1, 1, 1]] * 5
MIXED = [[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 0]]


def _ones(view):
    return replace(view, harmony=replace(view.harmony, pairs=torch.ones_like(view.harmony.pairs)))


@pytest.mark.parametrize(
    ("negatives", "loss"), [("infonce", infonce), ("paper", paper_contrastive), ("ntxent", ntxent)]
)
@pytest.mark.parametrize("weight_on", ["loss", "logits", "both"])
def test_it_is_the_mean_over_pairs_of_weighted_losses(make_view, negatives, loss, weight_on):
    view = make_view(ALL)
    expected = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        weight = view.harmony.pairs[:, i, j]
        each = loss(view.features[:, i], view.features[:, j], 0.2, None if weight_on == "loss" else weight)
        expected.append((each if weight_on == "logits" else each * weight).mean())
    output = ContrastiveTask(negatives=negatives, temperature=0.2, weight_on=weight_on)(view)
    torch.testing.assert_close(output.loss / 3, torch.stack(expected).mean())
    torch.testing.assert_close(output.logs["b~c"].value, expected[2])
    assert output.logs["b~c"].count == 1


def test_sigmoid_judges_each_pair_of_items_and_learns_its_bias(make_view):
    view = _ones(make_view(ALL))
    task = ContrastiveTask(negatives="sigmoid", temperature=0.2)
    expected = [
        sigmoid_contrastive(view.features[:, i], view.features[:, j], 0.2, -10.0).mean()
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    loss = task(view).loss
    torch.testing.assert_close(loss, torch.stack(expected).sum())
    loss.backward()
    assert task.bias.grad.abs() > 0
    with pytest.raises(ConfigError, match="sigmoid has its weights on the loss alone, got 'logits'"):
        ContrastiveTask(negatives="sigmoid", weight_on="logits")


def test_the_sum_over_pairs_is_the_mean_times_the_pairs_that_are_there(make_view):
    for present, pairs in ((ALL, 3), (MIXED, 2)):
        view = make_view(present)
        tasks = [ContrastiveTask(over_pairs=how) for how in ("mean", "sum")]
        mean, total = (task(view).loss / task.count(facts_of(view)) for task in tasks)
        torch.testing.assert_close(total, pairs * mean)


def test_balanced_weights_move_importance_and_keep_the_scale(make_view):
    view = make_view(ALL)
    halved = replace(view, harmony=replace(view.harmony, pairs=view.harmony.pairs / 2))
    even = replace(view, harmony=replace(view.harmony, pairs=torch.full_like(view.harmony.pairs, 0.3)))
    task = ContrastiveTask(balanced=True)
    torch.testing.assert_close(task(view).loss, task(halved).loss)
    torch.testing.assert_close(task(even).loss, ContrastiveTask(weight_on="logits")(_ones(view)).loss)
    assert not torch.isclose(task(view).loss, task(even).loss)


def test_a_pair_is_scored_on_the_items_that_have_both(make_view):
    view = make_view(MIXED)
    task = ContrastiveTask()
    both = {"a~b": [0, 1, 4], "b~c": [1, 2]}
    expected = {
        name: (infonce(view.features[rows, i], view.features[rows, j], 0.1) * view.harmony.pairs[rows, i, j]).mean()
        for (name, rows), (i, j) in zip(both.items(), ((0, 1), (1, 2)), strict=True)
    }
    output = task(view)
    assert set(output.logs) == {"a~b", "b~c", "accuracy"}  # one item has both a and c: no negatives
    assert task.count(facts_of(view)) == 2
    torch.testing.assert_close(output.loss, expected["a~b"] + expected["b~c"])


def test_an_item_without_the_modality_changes_nothing_and_gets_no_gradient(make_view):
    view = make_view(MIXED)
    spoilt = replace(view, features=view.features.detach().masked_fill(~view.present[:, :, None], torch.nan))
    spoilt.features.requires_grad_()
    output = ContrastiveTask()(spoilt)
    output.loss.backward()
    torch.testing.assert_close(output.loss, ContrastiveTask()(view).loss)
    assert spoilt.features.grad[~view.present].abs().sum() == 0
    assert spoilt.features.grad[0, 0].abs().sum() > 0
    assert spoilt.features.grad[3].abs().sum() == 0


@pytest.mark.parametrize("negatives", ["infonce", "paper", "ntxent"])
@pytest.mark.parametrize("present", [[[1, 1, 1]], [[1, 0, 0], [0, 1, 0]], [[0, 0, 0]] * 3, [[1], [1]]])
def test_without_a_pair_of_items_the_loss_is_zero(make_view, negatives, present):
    view = make_view(present)
    output = ContrastiveTask(negatives=negatives)(view)
    output.loss.backward()
    assert output.loss.item() == 0
    assert not output.logs
    assert view.features.grad.abs().sum() == 0


def test_aligned_features_are_found(make_view):
    view = make_view([[1, 1]] * 4)
    aligned = replace(view, features=torch.eye(4)[:, None].expand(4, 2, 4))
    swapped = replace(view, features=torch.stack([torch.eye(4), torch.eye(4).roll(1, 0)], dim=1))
    assert ContrastiveTask()(aligned).logs["accuracy"] == 1
    assert ContrastiveTask()(swapped).logs["accuracy"] == 0


def test_logs_carry_no_gradient(make_view):
    output = ContrastiveTask(learnable_temperature=True)(make_view(ALL))
    assert output.loss.requires_grad
    values = [log.value if isinstance(log, Mean) else log for log in output.logs.values()]
    assert not any(value.requires_grad for value in values)


def test_the_temperature_can_be_learned_down_to_a_hundredth(make_view):
    task = ContrastiveTask(learnable_temperature=True)
    task(make_view(ALL)).loss.backward()
    assert task.log_scale.grad.abs() > 0
    with torch.no_grad():
        task.log_scale.fill_(50.0)
    assert task.temperature.item() == pytest.approx(0.01)
    assert not list(ContrastiveTask().parameters())


def test_weights_of_zero_silence_the_loss(make_view):
    view = make_view(ALL)
    silent = replace(view, harmony=Harmony(torch.zeros(5, 3, 3), view.harmony.tasks, view.harmony.modalities))
    assert ContrastiveTask()(silent).loss.item() == 0


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ConfigError, match="temperature must be above 0, got 0"):
        ContrastiveTask(temperature=0)


def test_it_says_which_pass_it_reads():
    assert ContrastiveTask().view == "masked"
    assert TASKS.build({"type": "contrastive", "view": "clean"}).view == "clean"


def test_nested_widths_are_compared_by_their_first_numbers_and_averaged_with_the_whole(make_view):
    view = make_view(ALL)
    width = view.features.shape[-1]
    whole = ContrastiveTask(over_pairs="sum")
    expected = [whole(replace(view, features=view.features[..., :narrow])).loss for narrow in (width, 2, 3)]
    task = ContrastiveTask(over_pairs="sum", nested=[3, 2], features=width)
    output = task(view)
    torch.testing.assert_close(output.loss, torch.stack(expected).mean())
    # the first numbers are trained most, as every width has them
    (gradient,) = torch.autograd.grad(output.loss, view.features)
    (plain,) = torch.autograd.grad(expected[0], view.features)
    torch.testing.assert_close(gradient[..., 3:] * 3, plain[..., 3:])
    assert not torch.allclose(gradient[..., :2] * 3, plain[..., :2])


def test_nested_widths_are_parts_of_the_features_each_named_once():
    with pytest.raises(ConfigError, match="nested: expected widths of 1 to 7, as the features have width 8; got 0, 8"):
        ContrastiveTask(nested=[4, 8, 0], features=8)
    with pytest.raises(ConfigError, match=r"nested: each width once, got \[4, 4\]"):
        ContrastiveTask(nested=[4, 4], features=8)
