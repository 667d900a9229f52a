import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.errors import ConfigError
from m5kit.fusions.low_rank import LowRankFusion
from m5kit.structures import Tokens


def tokens(**summaries):
    return {m: Tokens(torch.tensor([[[value]]]), torch.tensor([1])) for m, value in summaries.items()}


def by_hand(rank=1):
    """Factors are ``2 s + 1`` of a and ``3 s + 1`` of b, the bias is 0."""
    fusion = LowRankFusion(modalities=("a", "b"), dim=1, rank=rank, dropout=0.0)
    for factor, slope in zip(fusion.factors, (2.0, 3.0), strict=True):
        nn.init.constant_(factor.weight, slope)
    nn.init.zeros_(fusion.bias)
    return fusion


def test_the_embedding_is_the_product_of_the_factors():
    """(2 * 1 + 1) * (3 * 2 + 1) = 21."""
    fused = by_hand()(tokens(a=1.0, b=2.0), torch.tensor([[0.5, 0.5]]))
    assert_close(fused.embedding, torch.tensor([[21.0]]))


def test_an_absent_factor_is_one():
    assert_close(by_hand()(tokens(a=1.0), torch.tensor([[1.0, 0.0]])).embedding, torch.tensor([[3.0]]))


def test_weights_move_factors_between_one_and_themselves():
    """Shares 1.5 and 0.5: (1 + 1.5 * 2) * (1 + 0.5 * 6) = 16."""
    fused = by_hand()(tokens(a=1.0, b=2.0), torch.tensor([[0.75, 0.25]]))
    assert_close(fused.embedding, torch.tensor([[16.0]]))


def test_products_are_summed_over_the_rank():
    fused = by_hand(rank=3)(tokens(a=1.0, b=2.0), torch.tensor([[0.5, 0.5]]))
    assert_close(fused.embedding, torch.tensor([[63.0]]))


def test_it_is_the_linear_map_of_the_outer_product_that_it_stands_for():
    """The full tensor of [a; 1] and [b; 1], contracted with the sum of the factors' outer products."""
    torch.manual_seed(0)
    fusion = LowRankFusion(modalities=("a", "b"), dim=3, rank=2, dropout=0.0)
    for parameter in fusion.parameters():
        nn.init.normal_(parameter)
    a, b = torch.randn(3), torch.randn(3)
    given = {"a": Tokens(a[None, None], torch.tensor([1])), "b": Tokens(b[None, None], torch.tensor([1]))}
    matrices = [torch.cat([f.weight, f.bias[:, None]], dim=1).view(2, 3, 4) for f in fusion.factors]  # r d 1+d
    tensor = torch.einsum("rdi,rdj->dij", *matrices)
    one = torch.ones(1)
    expected = torch.einsum("dij,i,j->d", tensor, torch.cat([a, one]), torch.cat([b, one])) + fusion.bias
    assert_close(fusion(given, torch.tensor([[0.5, 0.5]])).embedding[0], expected)


def test_it_starts_near_zero_so_that_items_do_not_start_alike():
    fusion = LowRankFusion(modalities=("a", "b"), dim=1, dropout=0.0)
    assert_close(fusion(tokens(a=0.0, b=0.0), torch.tensor([[0.5, 0.5]])).embedding, torch.tensor([[0.0]]))


def test_no_rank_is_refused():
    with pytest.raises(ConfigError, match="rank must be 1 or more, got 0"):
        LowRankFusion(modalities=("a",), dim=1, rank=0)
