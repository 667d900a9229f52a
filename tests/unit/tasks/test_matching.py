import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.nn.draws import Draws
from m5kit.structures import Fused
from m5kit.tasks.matching import MatchingTask
from m5kit.testing.views import facts_of

DIM = 8


def swap(task, view, seed=0):
    return task.swap(view, Draws(seed, "matching", torch.arange(len(view.present))))


def fused(embedding):
    count = len(embedding)
    return Fused({}, torch.zeros(count, 2, DIM), embedding, torch.zeros(count, 2))


def told(task):
    """The task with a head that reads the first number of the embedding."""
    task.head = nn.Linear(DIM, 1, bias=False)
    with torch.no_grad():
        task.head.weight.copy_(torch.eye(1, DIM))
    return task


def first(*values):
    return torch.tensor(values)[:, None] * torch.eye(1, DIM)


def test_the_loss_is_the_mean_of_both_kinds_of_cross_entropy(make_view):
    """Logits 0 and 2 for two whole items, 1 for those made of them; an item with one modality does not count."""
    wrong = fused(first(1.0, 1.0))
    view = replace(make_view([[1, 1], [1, 1], [1, 0]]), fused=fused(first(0.0, 2.0, 9.0)), mismatched=wrong)
    task = told(MatchingTask(dim=DIM))
    output = task(view)
    count = task.count(facts_of(view))
    whole = (math.log(2) + math.log(1 + math.exp(-2))) / 2
    assert count == 2
    assert output.loss.item() / count == pytest.approx((whole + math.log(1 + math.e)) / 2)
    assert output.logs["accuracy"].value.item() == pytest.approx((0.5 + 0.0) / 2)
    assert output.logs["accuracy"].count == 2


def test_items_without_another_modality_are_not_made_up(make_view):
    made = swap(MatchingTask(dim=DIM), make_view([[1, 1], [1, 1], [1, 0], [0, 1]]))
    assert made.items.tolist() == [0, 1]
    assert (made.donors != made.items).all()


def test_nobody_to_mismatch_costs_nothing(make_view):
    view, task = make_view([[1, 1], [1, 0]][:1]), MatchingTask(dim=DIM)
    assert len(swap(task, view).items) == 0
    loss = task(view).loss
    loss.backward()
    assert loss.item() == 0


def test_the_seed_decides_who_is_mixed(make_view):
    view, task = make_view([[1, 1, 1]] * 20), MatchingTask(dim=DIM)
    one, same, other = (swap(task, view, seed) for seed in (0, 0, 1))
    assert one.donors.equal(same.donors)
    assert not one.donors.equal(other.donors)


def test_hard_donors_are_those_whose_features_fit(make_view):
    """Items 0 and 1 have the same features, item 2 others: the cold draw always takes the twin."""
    view = make_view([[1, 1]] * 3)
    twin, other = torch.eye(6)[0], torch.eye(6)[1]
    view = replace(view, features=torch.stack([twin, twin, other])[:, None].expand(3, 2, 6))
    task = MatchingTask(dim=DIM, hard=True, temperature=0.01)
    assert {tuple(swap(task, view, seed).donors[:2].tolist()) for seed in range(10)} == {(1, 0)}
    easy = MatchingTask(dim=DIM)
    assert {swap(easy, view, seed).donors[0].item() for seed in range(20)} == {1, 2}


def test_it_trains_the_embeddings_of_both_kinds(make_view):
    whole, wrong = torch.randn(2, DIM, requires_grad=True), torch.randn(2, DIM, requires_grad=True)
    view = replace(make_view([[1, 1], [1, 1]]), fused=fused(whole), mismatched=fused(wrong))
    told(MatchingTask(dim=DIM))(view).loss.backward()
    assert (whole.grad[:, 0] < 0).all()
    assert (wrong.grad[:, 0] > 0).all()


def test_the_temperature_must_be_positive():
    with pytest.raises(ConfigError, match="temperature must be above 0, got 0"):
        MatchingTask(dim=DIM, temperature=0.0)


def test_made_up_items_have_the_pattern_of_their_own_item(make_view):
    view = make_view([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    made = swap(MatchingTask(dim=DIM), view)
    for column in range(3):
        assert_close(view.present[made.sources(column), column], view.present[made.items, column])
