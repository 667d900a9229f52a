import pytest
import torch

from m5kit.nn.draws import Draws
from m5kit.nn.mismatch import draw_columns, draw_donors, likeness_to_the_rest

PRESENT = torch.tensor([[1, 1, 0], [1, 1, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=torch.bool)


def drawn(items, seed=0):
    return Draws(seed, "matching", torch.arange(items))


def test_only_items_with_several_modalities_lose_one_that_somebody_else_has():
    for seed in range(20):
        items, columns = draw_columns(PRESENT, drawn(5, seed))
        assert items.tolist() == [0, 1]
        assert set(columns.tolist()) <= {0, 1}  # nobody else has modality 2


def test_every_possible_modality_is_drawn_alike():
    items, columns = draw_columns(torch.ones(3000, 3, dtype=torch.bool), drawn(3000))
    assert len(items) == 3000
    assert (columns.bincount() / 3000).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_donors_are_others_that_have_the_modality():
    items, columns = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    found = [set(), set(), set()]
    for seed in range(40):
        for seen, donor in zip(found, draw_donors(PRESENT, items, columns, drawn(5, seed)).tolist(), strict=True):
            seen.add(donor)
    assert found == [{1, 4}, {1, 2}, {0, 2}]


def test_likeness_raises_the_chance():
    """Logarithms 0 and log 9: one donor in ten, nine in ten."""
    present = torch.ones(3, 2, dtype=torch.bool)
    likeness = torch.tensor([[99.0, 0.0, 9.0]]).log().nan_to_num(neginf=0.0)
    items = columns = torch.zeros(1, dtype=torch.int64)
    donors = torch.cat([draw_donors(present, items, columns, drawn(3, seed), likeness) for seed in range(2000)])
    assert (donors == 2).float().mean().item() == pytest.approx(0.9, abs=0.03)
    assert not (donors == 0).any()


def test_donors_follow_the_items_in_any_order():
    present, positions = torch.ones(9, 2, dtype=torch.bool), torch.arange(9) * 7
    order = torch.tensor([4, 0, 8, 2, 6, 1, 3, 5, 7])
    columns = torch.zeros(9, dtype=torch.int64)
    one = draw_donors(present, torch.arange(9), columns, Draws(0, "matching", positions))
    other = draw_donors(present, torch.arange(9), columns, Draws(0, "matching", positions[order]))
    assert order[other].equal(one[order])


def test_likeness_is_that_to_what_the_item_keeps():
    features = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], [[0.0, 1.0], [3.0, 0.0], [5.0, 0.0]]])
    found = likeness_to_the_rest(features, torch.tensor([0, 1]), torch.tensor([1, 0]))
    assert found.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_nobody_to_exchange_with_gives_nothing():
    items, columns = draw_columns(PRESENT[:1], drawn(1))
    assert items.tolist() == columns.tolist() == []
    assert draw_donors(PRESENT[:1], items, columns, drawn(1)).tolist() == []


def test_a_process_draws_for_its_own_items_what_one_process_draws_for_all():
    present, positions = torch.ones(9, 3, dtype=torch.bool), torch.arange(9) * 5
    present[4, 0] = present[7, 2] = False
    draws = Draws(0, "matching", positions)
    items, columns = draw_columns(present, draws)
    donors = draw_donors(present, items, columns, draws)
    own = slice(3, 7)
    draws = Draws(0, "matching", positions[own])
    some, of_some = draw_columns(present[own], draws, present)
    assert of_some.equal(columns[own])
    found = draw_donors(present, some, of_some, draws, positions=positions, first=3)
    assert found.equal(donors[own])
