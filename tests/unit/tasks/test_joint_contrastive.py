import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.contrast import gram, symile
from m5kit.tasks.joint_contrastive import JointContrastiveTask

ABC = ("a", "b", "c")
MIXED = [[1, 1, 1], [1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(("product", "loss"), [("symile", symile), ("gram", gram)])
def test_it_is_the_mean_over_items_that_have_all(make_view, product, loss):
    view = make_view(MIXED)
    parts = [view.features[[0, 2, 4], column] for column in range(3)]
    assert_close(JointContrastiveTask(modalities=ABC, product=product)(view).loss, loss(parts, 0.1).mean())


def test_the_anchor_is_the_first_of_those_named(make_view):
    view = make_view(MIXED)
    parts = [view.features[[0, 2, 3, 4], column] for column in (2, 1)]
    task = JointContrastiveTask(modalities=ABC, product="gram", over=("c", "b"), temperature=0.5)
    assert_close(task(view).loss, gram(parts, 0.5).mean())


def test_one_complete_item_teaches_nothing(make_view):
    output = JointContrastiveTask(modalities=ABC)(make_view([[1, 1, 1], [1, 1, 0]]))
    assert output.loss == 0
    assert output.loss.requires_grad


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"product": "symile", "over": ("a", "b")}, "symile compares at least 3 of a, b, c, got a, b"),
        ({"over": ("a", "x")}, "gram compares at least 2 of a, b, c, got a, x"),
        ({"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(ConfigError, match=message):
        JointContrastiveTask(modalities=ABC, **given)


def test_it_learns_to_bring_items_together():
    torch.manual_seed(0)
    free = [torch.randn(6, 8, requires_grad=True) for _ in range(3)]
    step = torch.optim.Adam(free, lr=0.1)
    for _ in range(100):
        step.zero_grad()
        gram(free, 0.1).mean().backward()
        step.step()
    assert gram(free, 0.1).mean() < 0.1
