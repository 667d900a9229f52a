import pytest
import torch
from torch.testing import assert_close

from m5kit.errors import ConfigError, ContractError
from m5kit.registry import FUSIONS
from m5kit.structures import Tokens


def build(**arguments):
    given = {"type": "scale", "modalities": ("a", "b", "c"), "dim": 8, "heads": 2, "dropout": 0.0}
    return FUSIONS.build(given | arguments).eval()


def test_it_is_the_stack_over_each_items_own_concatenation(tokens, weights):
    fusion = build(layers=2)
    fused = fusion(tokens, weights)
    for row in range(3):
        parts = [fusion._embed(m, t.values[[row], : t.lengths[row]]) for m, t in tokens.items() if t.lengths[row]]
        sequence = torch.cat(parts, dim=1)
        expected = fusion.stack(sequence, torch.tensor([sequence.shape[1]]))[0]
        found = torch.cat([t.values[row, : t.lengths[row]] for t in fused.tokens.values()])
        assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_full_batch_agrees_with_the_reference_too():
    fusion = build(modalities=("a", "b"))
    tokens = {m: Tokens(torch.randn(2, 3, 8), torch.tensor([3, 3])) for m in ("a", "b")}
    packed = fusion(tokens, torch.full((2, 2), 0.5))
    fusion.stack.packed = False
    assert_close(packed.embedding, fusion(tokens, torch.full((2, 2), 0.5)).embedding, atol=1e-6, rtol=1e-5)


def test_without_blocks_the_embedding_is_the_weighted_mean_of_the_first_tokens(tokens, weights):
    fusion = build(layers=0, modality_embedding=False)
    torch.nn.init.zeros_(fusion.positions)
    expected = sum(weights[0, i] * tokens[m].values[0, 0] for i, m in enumerate("abc"))
    assert_close(fusion(tokens, weights).embedding[0], expected)


def test_the_sum_is_that_of_the_pooled_vectors_with_equal_shares(tokens, weights):
    fused = build(pooling="sum")(tokens, weights)
    assert_close(fused.embedding, fused.pooled.sum(1))
    assert_close(fused.weights[:2], torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.5, 0.0, 0.5]]))


def test_only_the_modality_vector_tells_equal_tokens_of_two_modalities_apart():
    one = Tokens(torch.randn(1, 2, 8), torch.tensor([2]))
    for told, same in ((True, False), (False, True)):
        pooled = build(modalities=("a", "b"), modality_embedding=told)({"a": one, "b": one}, torch.ones(1, 2)).pooled
        assert torch.allclose(pooled[0, 0], pooled[0, 1], atol=1e-6) is same


def test_keys_that_nobody_has_tokens_for_give_zeros():
    empty = {m: Tokens(torch.zeros(2, 3, 8), torch.zeros(2, dtype=torch.int64)) for m in "ab"}
    fused = build()(empty, torch.zeros(2, 3))
    assert fused.embedding.abs().sum() == 0
    assert fused.tokens["a"].values.shape == (2, 3, 8)


def test_too_long_a_sequence_names_the_setting():
    fusion = build(positions=2)
    with pytest.raises(
        ContractError, match=r"a has 3 tokens an item, the fusion knows 2 positions; set fusion\.positions"
    ):
        fusion({"a": Tokens(torch.zeros(1, 3, 8), torch.tensor([3]))}, torch.ones(1, 3))


def test_an_unknown_pooling_is_named():
    with pytest.raises(ConfigError, match="no pooling is named 'max'; choose 'mean' or 'sum'"):
        build(pooling="max")
