import torch
from torch import nn
from torch.testing import assert_close

from m5kit.fusions.mean import MeanFusion
from m5kit.structures import Tokens


def test_a_tiny_case_by_hand():
    """0.75 * 1 + 0.25 * 4 = 1.75; every token is told 10 times that."""
    fusion = MeanFusion(modalities=("a", "b"), dim=1)
    nn.init.constant_(fusion.context.project.weight, 10.0)
    tokens = {
        "a": Tokens(torch.tensor([[[1.0], [7.0]], [[1.0], [0.0]]]), torch.tensor([2, 1])),
        "b": Tokens(torch.tensor([[[4.0]], [[99.0]]]), torch.tensor([1, 0])),
    }
    fused = fusion(tokens, torch.tensor([[0.75, 0.25], [1.0, 0.0]]))
    assert_close(fused.embedding, torch.tensor([[1.75], [1.0]]))
    assert_close(fused.tokens["a"].values, torch.tensor([[[18.5], [24.5]], [[11.0], [0.0]]]))
    assert_close(fused.pooled[..., 0], torch.tensor([[18.5, 21.5], [11.0, 0.0]]))


def test_it_learns_nothing_but_how_to_tell_the_tokens():
    fusion = MeanFusion(modalities=("a", "b"), dim=4)
    assert sum(p.numel() for p in fusion.parameters()) == 4 * 4 + 4
