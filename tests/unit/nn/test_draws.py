import pytest
import torch

from m5kit.nn.draws import Draws

ITEMS = torch.arange(1000) * 3


def test_numbers_belong_to_items_and_not_to_batches():
    whole = Draws(0, "text", ITEMS)
    first, second = whole.uniform(7), whole.integers(3, 90, 4)
    order = torch.tensor([500, 3, 999])
    part = Draws(0, "text", ITEMS[order])
    assert torch.equal(part.uniform(9)[:, :7], first[order])  # a longer row begins with the same numbers
    assert torch.equal(part.integers(3, 90, 4), second[order])


def test_pairs_belong_to_both_items():
    order = torch.tensor([500, 3, 999])
    assert torch.equal(Draws(0, "x", ITEMS[order]).pairs(), Draws(0, "x", ITEMS).pairs()[order][:, order])


@pytest.mark.parametrize("other", [(1, "text"), (0, "table")])
def test_seeds_and_purposes_share_nothing(other):
    one, two = Draws(0, "text", ITEMS).uniform(20), Draws(*other, ITEMS).uniform(20)
    assert abs(torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1]) < 0.03
    assert not (one == two).all(1).any()


def test_numbers_are_uniform_and_independent():
    draws = Draws(0, "text", ITEMS)
    one, two = draws.uniform(50), draws.uniform(50)
    assert one.min() >= 0
    assert one.max() < 1
    assert one.mean().item() == pytest.approx(0.5, abs=0.005)
    assert one.var().item() == pytest.approx(1 / 12, abs=0.002)
    for a, b in ((one, two), (one[:, 1:], one[:, :-1]), (one[1:], one[:-1])):
        assert abs(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) < 0.02


def test_integers_fill_their_range_alike():
    found = Draws(0, "text", ITEMS).integers(3, 13, 20).flatten().bincount(minlength=13)
    assert found[:3].sum() == 0
    assert (found[3:] / 20_000).tolist() == pytest.approx([0.1] * 10, abs=0.01)


def test_no_item_is_no_error():
    draws = Draws(0, "text", ITEMS[:0])
    assert draws.uniform(3).shape == (0, 3)
    assert draws.pairs().shape == (0, 0)
