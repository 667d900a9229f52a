from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.losses import infonce
from m5kit.tasks.mined_contrastive import MinedContrastiveTask

ALL = [[1, 1]] * 6
NAMES = {"modalities": ("a", "b"), "features": 6}


def even(view):
    return replace(view, harmony=replace(view.harmony, pairs=torch.ones_like(view.harmony.pairs)))


def test_without_options_it_is_infonce(make_view):
    view = even(make_view(ALL))
    wanted = infonce(view.features[:, 0], view.features[:, 1], 0.1).mean()
    assert_close(MinedContrastiveTask(**NAMES)(view).loss, wanted)


def test_weights_of_the_harmonizer_reach_the_loss(make_view):
    view = make_view(ALL)
    halved = replace(view, harmony=replace(view.harmony, pairs=view.harmony.pairs / 2))
    task = MinedContrastiveTask(**NAMES)
    assert_close(task(view).loss, 2 * task(halved).loss)


def test_items_of_a_class_are_positives_and_no_negatives(make_view):
    view = even(make_view(ALL))
    task = MinedContrastiveTask(positives="kind", **NAMES)
    output = task(view)
    assert output.logs["negatives"] == 1
    # all of one class: nothing is left to push away
    assert task(replace(view, targets={"kind": torch.zeros(6, dtype=torch.int64)})).loss == 0
    # no class known: every item for itself
    unknown = replace(view, targets={"kind": torch.full((6,), -1)})
    assert_close(task(unknown).loss, MinedContrastiveTask(**NAMES)(view).loss)


def test_a_label_that_is_not_read_is_named(make_view):
    with pytest.raises(ConfigError, match=r"positives is 'colour', but no such label is read; set data\.label=colour"):
        MinedContrastiveTask(positives="colour", **NAMES)(make_view(ALL))


def test_a_margin_leaves_likely_false_negatives_out(make_view):
    view = even(make_view(ALL))
    twins = view.features.detach().clone()
    twins[1] = twins[0]  # two items that look alike, each the other's hardest negative
    view = replace(view, features=twins.requires_grad_())
    plain, careful = MinedContrastiveTask(**NAMES)(view), MinedContrastiveTask(margin=0.05, **NAMES)(view)
    assert careful.logs["negatives"] < plain.logs["negatives"] == 1
    assert careful.loss < plain.loss


def test_the_hardest_negatives_alone(make_view):
    view = even(make_view(ALL))
    output = MinedContrastiveTask(hardest=1, **NAMES)(view)
    assert_close(output.logs["negatives"], torch.tensor(1 / 5))
    assert 0 < output.loss < MinedContrastiveTask(**NAMES)(view).loss


def test_a_queue_adds_negatives_in_training_alone(make_view):
    first, second = even(make_view(ALL)), even(make_view(ALL, seed=1))
    task = MinedContrastiveTask(queue=6, **NAMES)
    alone = task.eval()(second).loss
    task.train()(first)
    assert task.eval()(second).loss > alone
    before = task.queue.features.clone()
    task(second)
    assert_close(task.queue.features, before)
    assert not task.queue.features.requires_grad


def test_a_queue_makes_an_item_alone_worth_something(make_view):
    task = MinedContrastiveTask(queue=6, **NAMES).train()
    assert task(make_view([[1, 1]])).loss == 0
    assert task(make_view([[1, 1]], seed=1)).loss > 0


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"queue": -1}, {"hardest": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="expected temperature above 0"):
        MinedContrastiveTask(**NAMES, **wrong)
