"""What stands in an item's vector, and how much it counts."""

import pytest
import torch
from torch.nn.functional import normalize
from torch.testing import assert_close

from m5kit.models.item_vectors import APART, item_vectors, side_by_side

TAUGHT = torch.ones(())


def confidence(**columns):
    return {m: torch.tensor(values) for m, values in columns.items()}


def test_items_without_a_common_modality_are_compared_by_what_is_shared():
    shared = normalize(torch.randn(2, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    own = {"a": torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "b": torch.tensor([[0.0], [1.0]])}
    there = confidence(a=[1.0, 0.0], b=[0.0, 1.0])
    one, other = item_vectors(shared, own, there, {"a": 2.0, "b": 2.0}, TAUGHT, {"a": shared, "b": shared})
    assert float(one @ other) == pytest.approx(float(shared[0] @ shared[1]) * 4 / (4 + 1 + 4 * APART**2))


def test_what_is_not_trusted_hardly_moves_an_item():
    shared, own = torch.zeros(1, 2), {"a": torch.tensor([[1.0, 0.0]]), "b": torch.tensor([[1.0]])}
    found = item_vectors(shared, own, confidence(a=[1.0], b=[0.01]), {"a": 1.0, "b": 1.0}, TAUGHT, {})
    assert_close(found, torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.01]]), atol=1e-4, rtol=0)


def test_an_item_counts_what_is_shared_as_its_modalities_do_on_average():
    shared, own = torch.tensor([[1.0, 0.0]]), {"a": torch.tensor([[1.0]]), "b": torch.tensor([[1.0]])}
    found = item_vectors(shared, own, confidence(a=[1.0], b=[0.5]), {"a": 2.0, "b": 0.5}, TAUGHT, {})
    assert_close(found[0, 0] / found[0, 2:].norm(), torch.tensor((2.0 + 0.25) / 1.5))


def test_what_is_taught_counts_less_apart_than_in_sum_and_what_is_common_alike():
    one, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    found = item_vectors(one, {"a": one}, confidence(a=[1.0]), {"a": 2.0}, TAUGHT, {"a": one}, (other, {"a": other}))
    lengths = torch.tensor([[2.0, 0, 1, 0, 2 * APART, 0, 0, 1, 0, 1]])
    assert_close(found, normalize(lengths, dim=1))


def test_nothing_of_what_was_not_taught_counts():
    one = torch.tensor([[1.0, 0.0]])
    found = item_vectors(one, {"a": one}, confidence(a=[1.0]), {"a": 2.0}, torch.zeros(()), {"a": one})
    assert_close(found, torch.tensor([[0.0, 0, 1, 0, 0, 0]]))


def test_an_item_with_nothing_is_zero():
    nothing = torch.zeros(1, 2)
    there = confidence(a=[0.0])
    found = item_vectors(nothing, {"a": nothing}, there, {"a": 2.0}, TAUGHT, {"a": torch.ones(1, 2)})
    assert not found.any()
    assert not side_by_side({"a": torch.ones(1, 2)}, there).any()
