import torch
from torch.testing import assert_close

from m5kit.registry import FUSIONS
from m5kit.structures import Tokens


def build(**arguments):
    given = {"type": "one_stream", "modalities": ("a", "b", "c"), "dim": 8, "heads": 2, "dropout": 0.0}
    return FUSIONS.build(given | arguments).eval()


def test_it_is_the_stack_over_the_fused_token_and_each_items_own_tokens(tokens, weights):
    fusion = build(layers=2)
    fused = fusion(tokens, weights)
    for row in range(3):
        mean = sum(weights[row, i] * t.values[row, 0] for i, t in enumerate(tokens.values()) if t.lengths[row])
        parts = [t.values[row, : t.lengths[row]] + fusion.kinds[i] for i, t in enumerate(tokens.values())]
        sequence = torch.cat([(fusion.fused + mean)[None], *parts])[None]
        expected = fusion.stack(sequence, torch.tensor([sequence.shape[1]]))[0]
        found = torch.cat([t.values[row, : t.lengths[row]] for t in fused.tokens.values()])
        assert_close(fused.embedding[row], expected[0], atol=1e-5, rtol=1e-5)
        assert_close(found, expected[1:], atol=1e-5, rtol=1e-5)


def test_the_embedding_is_not_the_mean_of_the_first_tokens(tokens, weights):
    fused = build(layers=2)(tokens, weights)
    mean = (fused.pooled * weights[..., None]).sum(1)
    assert (fused.embedding - mean)[:3].norm(dim=1).min() > 1e-3


def test_without_blocks_the_embedding_is_where_the_fused_token_starts(tokens, weights):
    fusion = build(layers=0)
    expected = fusion.fused + sum(weights[0, i] * tokens[m].values[0, 0] for i, m in enumerate("abc"))
    assert_close(fusion(tokens, weights).embedding[0], expected)


def test_tokens_read_the_fused_token():
    """A modality alone, of one token, changes with the fused token's vector."""
    fusion, one = build(layers=1), {"a": Tokens(torch.randn(1, 1, 8), torch.tensor([1]))}
    before = fusion(one, torch.tensor([[1.0, 0.0, 0.0]])).tokens["a"].values
    with torch.no_grad():
        fusion.fused += torch.randn(8)
    assert not torch.allclose(before, fusion(one, torch.tensor([[1.0, 0.0, 0.0]])).tokens["a"].values)


def test_only_the_modality_vector_tells_equal_tokens_of_two_modalities_apart():
    one, fusion = Tokens(torch.randn(1, 2, 8), torch.tensor([2])), build(modalities=("a", "b"))
    told = fusion({"a": one, "b": one}, torch.full((1, 2), 0.5)).pooled[0]
    torch.nn.init.zeros_(fusion.kinds)
    same = fusion({"a": one, "b": one}, torch.full((1, 2), 0.5)).pooled[0]
    assert not torch.allclose(told[0], told[1])
    assert_close(same[0], same[1])
