from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.losses import infonce
from m5kit.tasks.within_contrastive import WithinContrastiveTask

ABC = ("a", "b", "c")
MIXED = [[1, 1, 0], [1, 1, 0], [1, 0, 1]]


def test_it_is_the_mean_over_modalities_that_two_items_have(make_view):
    view = make_view(MIXED)
    wanted = [
        infonce(view.features[:, 0], view.again[:, 0], 0.2).mean(),
        infonce(view.features[:2, 1], view.again[:2, 1], 0.2).mean(),
    ]
    output = WithinContrastiveTask(modalities=ABC, temperature=0.2)(view)
    assert_close(output.loss, torch.stack(wanted).mean())
    assert_close(output.logs["b"], wanted[1])
    assert set(output.logs) == {"a", "b"}


def test_it_may_be_for_some_modalities(make_view):
    output = WithinContrastiveTask(modalities=ABC, over=("b",))(make_view(MIXED))
    assert set(output.logs) == {"b"}


def test_without_a_second_augmentation_there_is_nothing_to_learn(make_view):
    output = WithinContrastiveTask(modalities=ABC)(replace(make_view(MIXED), again=None))
    assert output.loss == 0
    assert output.loss.requires_grad


@pytest.mark.parametrize(("given", "message"), [({"over": ("x",)}, "over must be some of a, b, c, got x")])
def test_mistakes_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        WithinContrastiveTask(modalities=ABC, **given)
