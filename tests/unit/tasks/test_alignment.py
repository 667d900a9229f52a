from dataclasses import replace

import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.structures import Tokens
from m5kit.tasks.alignment import AlignmentTask


def task(**arguments):
    return AlignmentTask(**{"between": ("a", "b"), "modalities": ("a", "b", "c"), **arguments})


def with_tokens(view, **values):
    tokens = {m: Tokens(v, torch.full((len(v),), v.shape[1])) for m, v in values.items()}
    return replace(view, fused=replace(view.fused, tokens=view.fused.tokens | tokens))


def test_equal_tokens_in_another_order_cost_nothing_and_opposite_ones_two(make_view):
    """The summary, the first token, does not count."""
    view, words = make_view([[1, 1], [1, 1]]), torch.eye(8)[:3].expand(2, 3, 8)
    turned = torch.cat([words[:, :1] * 5, words[:, 1:].flip(1)], dim=1)
    assert task()(with_tokens(view, a=words, b=turned)).loss.item() == pytest.approx(0.0, abs=1e-3)
    one = torch.eye(8)[:1].expand(2, 2, 8)
    assert task()(with_tokens(view, a=one, b=-one)).loss.item() == pytest.approx(2.0 * 2)  # the sum over two items


def test_it_reads_the_pass_it_is_told_to(make_view):
    view = make_view([[1, 1], [1, 1]])
    task(reads="encoded")(view).loss.backward()
    assert view.encoded["a"].values.grad[:, 1:].abs().sum() > 0
    assert view.encoded["a"].values.grad[:, 0].abs().sum() == 0
    assert view.fused.tokens["a"].values.grad is None


def test_items_without_either_do_not_count(make_view):
    both, more = make_view([[1, 1]]), make_view([[1, 1], [1, 0], [0, 1]])
    more = with_tokens(more, **{m: t.values.detach() for m, t in more.fused.tokens.items()})
    both = with_tokens(both, **{m: t.values.detach()[:1] for m, t in more.fused.tokens.items()})
    lengths = {
        m: Tokens(t.values, t.lengths * more.present[:, i]) for i, (m, t) in enumerate(more.fused.tokens.items())
    }
    more = replace(more, fused=replace(more.fused, tokens=lengths))
    assert task()(more).loss.item() == pytest.approx(task()(both).loss.item())


@pytest.mark.parametrize("present", [[[1, 0, 1]], [[1, 0, 1], [0, 1, 1]]])
def test_nobody_with_both_costs_nothing(make_view, present):
    loss = task()(make_view(present)).loss
    loss.backward()
    assert loss.item() == 0


@pytest.mark.parametrize("between", [("a", "d"), ("a", "a")])
def test_two_modalities_of_the_model_are_needed(between):
    with pytest.raises(ConfigError, match="between must be two of a, b, c, got a, "):
        task(between=between)
