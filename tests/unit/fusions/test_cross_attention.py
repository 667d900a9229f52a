import pytest
import torch
from torch import nn
from torch.testing import assert_close

from m5kit.fusions.cross_attention import CrossAttentionFusion
from m5kit.nn.packing import Packing
from m5kit.nn.transformer import TransformerShape
from m5kit.registry import FUSIONS
from m5kit.structures import Tokens


def build(**arguments):
    given = {"type": "cross_attention", "modalities": ("a", "b", "c"), "dim": 8, "heads": 2, "dropout": 0.0}
    fusion = FUSIONS.build(given | arguments).eval()
    for parameter in fusion.parameters():  # at the start biases are zero and would hide a leak
        nn.init.normal_(parameter, std=0.2)
    return fusion


def test_each_token_gets_what_attention_over_all_other_modalities_gives():
    """One layer of one item, written out for modality b."""
    fusion = build(layers=1)
    lengths = {"a": 3, "b": 2, "c": 1}
    tokens = {m: Tokens(torch.randn(1, n, 8), torch.tensor([n])) for m, n in lengths.items()}
    fused = fusion(tokens, torch.full((1, 3), 1 / 3))
    places = {m: Packing.from_lengths(torch.tensor([n]), n) for m, n in lengths.items()}
    blocks = dict(zip("abc", fusion.layers[0], strict=True))
    inward = {
        m: blocks[m].look_at_itself(tokens[m].values[0] + fusion.kinds[i], places[m]) for i, m in enumerate("abc")
    }
    offers = torch.cat([blocks[m].offer(inward[m], places[m]) for m in "ac"], dim=1)
    expected = blocks["b"].look_at_others(inward["b"], places["b"], offers, None)
    assert_close(fused.tokens["b"].values[0], expected)


@pytest.mark.parametrize("shared", [True, False])
def test_an_item_alone_is_as_among_items_that_have_more(tokens, weights, shared):
    fusion = build(shared=shared)
    fused = fusion(tokens, weights)
    only = fusion({"c": Tokens(tokens["c"].values[[2], :2], torch.tensor([2]))}, torch.tensor([[0.0, 0.0, 1.0]]))
    assert_close(only.tokens["c"].values[0], fused.tokens["c"].values[2, :2])


def test_the_embedding_is_the_weighted_mean_of_the_first_tokens(tokens, weights):
    fused = build()(tokens, weights)
    expected = sum(weights[0, i] * fused.tokens[m].values[0, 0] for i, m in enumerate("abc"))
    assert_close(fused.embedding[0], expected)


def test_shared_blocks_are_one_set_whatever_the_number_of_modalities():
    def parameters(names, shared):
        fusion = CrossAttentionFusion(
            modalities=names, dim=8, shape=TransformerShape(layers=1, heads=2, ratio=4.0), shared=shared
        )
        return sum(p.numel() for p in fusion.layers.parameters())

    assert parameters(("a", "b"), True) == parameters(("a", "b", "c", "d"), True) == parameters(("a",), False)
    assert parameters(("a", "b"), False) * 2 == parameters(("a", "b", "c", "d"), False)


def test_modalities_that_change_places_change_nothing_else_where_blocks_are_shared(tokens, weights):
    fusion = build(shared=True)
    nn.init.zeros_(fusion.kinds)
    turned = {"a": tokens["b"], "b": tokens["a"], "c": tokens["c"]}
    there, back = fusion(tokens, weights), fusion(turned, weights[:, [1, 0, 2]])
    assert_close(there.embedding, back.embedding)
    assert_close(there.pooled, back.pooled[:, [1, 0, 2]])
