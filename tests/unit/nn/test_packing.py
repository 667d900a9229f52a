import torch
from torch.testing import assert_close

from m5kit.nn.packing import Packing, may_have_tokens, padded_layout, real_positions


def test_packing_takes_the_real_tokens_and_puts_them_back_between_zeros():
    packing = Packing.from_lengths(torch.tensor([2, 0, 1]), 2)
    values = torch.arange(1.0, 7.0).view(3, 2, 1)
    assert packing.pack(values).flatten().tolist() == [1, 2, 5]
    assert packing.unpack(packing.pack(values)).flatten().tolist() == [1, 2, 0, 0, 5, 0]


def test_a_full_grid_needs_no_index_and_no_mask():
    packing = Packing.from_lengths(torch.tensor([3, 3]), 3)
    assert packing.positions is None
    assert packing.keys is None


def test_gradients_of_packing_are_those_of_indexing():
    packing = Packing.from_lengths(torch.tensor([1, 2]), 2)
    values = torch.randn(2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(packing.pack, values)
    assert torch.autograd.gradcheck(lambda v: packing.unpack(packing.pack(v)), values)


def test_tokens_may_come_in_an_order_of_their_own():
    packing = Packing.at(torch.tensor([3, 0, 1]), items=2, size=2)
    assert packing.unpack(torch.tensor([[7.0], [8.0], [9.0]])).flatten().tolist() == [8, 9, 0, 7]


def test_all_positions_in_another_order_are_not_taken_for_a_full_grid():
    packing = Packing.at(torch.tensor([1, 0]), items=1, size=2)
    assert_close(packing.unpack(torch.tensor([[7.0], [8.0]])), torch.tensor([[[8.0], [7.0]]]))


def test_an_empty_row_looks_at_one_slot_so_that_softmax_stays_finite():
    assert Packing.from_lengths(torch.tensor([0, 2]), 3).keys[:, 0, 0].tolist() == [
        [True, False, False],
        [True, True, False],
    ]


def test_a_grid_without_columns_packs_to_nothing():
    packing = Packing.from_lengths(torch.tensor([0, 0]), 0)
    assert packing.unpack(packing.pack(torch.zeros(2, 0, 4))).shape == (2, 0, 4)


def test_positions_are_row_by_row():
    assert real_positions(torch.tensor([1, 3, 0]), 3).tolist() == [0, 3, 4, 5]


def test_a_padded_layout_keeps_all_slots_and_hides_the_padding():
    with padded_layout():
        packing = Packing.from_lengths(torch.tensor([2, 0, 1]), 2)
    values = torch.arange(1.0, 7.0).view(3, 2, 1)
    assert packing.pack(values).flatten().tolist() == [1, 2, 3, 4, 5, 6]
    assert packing.unpack(packing.pack(values)).flatten().tolist() == [1, 2, 0, 0, 5, 0]
    assert packing.keys[:, 0, 0].tolist() == [[True, True], [True, False], [True, False]]


def test_only_in_a_padded_layout_may_rows_without_tokens_have_some():
    nothing = torch.tensor([0, 0])
    assert not may_have_tokens(nothing)
    with padded_layout():
        assert may_have_tokens(nothing)
    assert not may_have_tokens(nothing)
