import torch
from torch import nn
from torch.testing import assert_close

from m5kit.fusions.gated import GatedFusion
from m5kit.structures import Tokens


def plain_fusion():
    fusion = GatedFusion(modalities=("a", "b"), dim=1, dropout=0.0)
    fusion.gate = nn.Linear(2, 2)
    nn.init.zeros_(fusion.gate.weight)
    for part in fusion.project:
        nn.init.ones_(part.weight)
        nn.init.zeros_(part.bias)
    return fusion


def summaries():
    return {m: Tokens(torch.tensor([[[v]]]), torch.tensor([1])) for m, v in (("a", 2.0), ("b", 4.0))}


def test_equal_scores_leave_the_weights_as_they_are():
    fusion = plain_fusion()
    nn.init.zeros_(fusion.gate.bias)
    fused = fusion(summaries(), torch.tensor([[0.75, 0.25]]))
    assert_close(fused.weights, torch.tensor([[0.75, 0.25]]))
    assert_close(fused.embedding, torch.tensor([[2.5]]))


def test_scores_multiply_the_weights():
    """Scores log 3 and 0 on weights 1/4 and 3/4: gates 3/4 : 3/4."""
    fusion = plain_fusion()
    with torch.no_grad():
        fusion.gate.bias.copy_(torch.tensor([3.0, 1.0]).log())
    fused = fusion(summaries(), torch.tensor([[0.25, 0.75]]))
    assert_close(fused.weights, torch.tensor([[0.5, 0.5]]))
    assert_close(fused.embedding, torch.tensor([[3.0]]))


def test_weights_that_are_all_zero_for_a_present_modality_stay_finite():
    fused = plain_fusion()(summaries(), torch.zeros(1, 2))
    assert_close(fused.weights.sum(1), torch.ones(1))


def test_a_gate_depends_on_the_other_modality():
    torch.manual_seed(0)
    fusion, tokens = GatedFusion(modalities=("a", "b"), dim=1, dropout=0.0), summaries()
    before = fusion(tokens, torch.full((1, 2), 0.5)).weights
    tokens["b"] = Tokens(torch.tensor([[[400.0]]]), torch.tensor([1]))
    assert not torch.equal(before, fusion(tokens, torch.full((1, 2), 0.5)).weights)
