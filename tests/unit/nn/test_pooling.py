import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ContractError
from m5kit.nn.pooling import Context, length_mean, present_columns, stack_columns, weighted_sum


def test_the_mean_ignores_padding_even_if_it_is_infinite():
    values = torch.tensor([[[1.0], [3.0], [torch.inf]], [[torch.nan], [1.0], [1.0]]])
    assert length_mean(values, torch.tensor([2, 0])).tolist() == [[2.0], [0.0]]


def test_the_mean_of_no_columns_is_zero():
    assert length_mean(torch.zeros(2, 0, 3), torch.tensor([0, 0])).tolist() == [[0.0] * 3] * 2


def test_weighted_sum_by_hand():
    values = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    assert weighted_sum(values, torch.tensor([[0.5, 2.0]])).tolist() == [[0.5, 4.0]]


def test_columns_of_absent_items_are_zeros():
    present = present_columns({"c": torch.tensor([1, 0])}, ("a", "c"), 2)
    stacked = stack_columns({"c": torch.tensor([[3.0], [torch.nan]])}, ("a", "c"), present, 1)
    assert stacked.tolist() == [[[0.0], [3.0]], [[0.0], [0.0]]]


def test_an_unknown_column_is_named():
    with pytest.raises(ContractError, match="got tokens of z, built for a, b; name them all when it is built"):
        present_columns({"z": torch.tensor([1])}, ("a", "b"), 1)


def test_context_adds_one_vector_to_every_real_token():
    context = Context(dim=1)
    torch.nn.init.constant_(context.project.weight, 2.0)
    out = context(torch.ones(1, 2, 1), torch.tensor([[True, False]]), torch.tensor([[3.0]]))
    assert_close(out, torch.tensor([[[7.0], [0.0]]]))
