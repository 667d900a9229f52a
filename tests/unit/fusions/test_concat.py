import torch
from torch import nn
from torch.testing import assert_close

from m5kit.fusions.concat import ConcatFusion
from m5kit.structures import Tokens


def test_a_tiny_case_by_hand():
    """Slots are weight * count * summary: 2 * 0.75 * 1 and 2 * 0.25 * 4; absent slots are zeros."""
    fusion = ConcatFusion(modalities=("a", "b"), dim=1, dropout=0.0)
    fusion.mlp = nn.Linear(2, 1, bias=False)
    nn.init.constant_(fusion.mlp.weight, 1.0)
    nn.init.constant_(fusion.context.project.weight, 10.0)
    tokens = {
        "a": Tokens(torch.tensor([[[1.0], [7.0]], [[1.0], [0.0]]]), torch.tensor([2, 1])),
        "b": Tokens(torch.tensor([[[4.0]], [[99.0]]]), torch.tensor([1, 0])),
    }
    fused = fusion(tokens, torch.tensor([[0.75, 0.25], [1.0, 0.0]]))
    assert_close(fused.embedding, torch.tensor([[3.5], [1.0]]))
    assert_close(fused.tokens["a"].values, torch.tensor([[[36.0], [42.0]], [[11.0], [0.0]]]))
    assert_close(fused.pooled[..., 0], torch.tensor([[36.0, 39.0], [11.0, 0.0]]))
