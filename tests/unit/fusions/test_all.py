"""What holds for every fusion alike."""

import pytest
import torch
from torch.testing import assert_close

from m5kit.structures import Tokens


def test_key_order_does_not_matter(fusion, tokens, weights):
    turned = dict(reversed(tokens.items()))
    assert_close(fusion(tokens, weights).embedding, fusion(turned, weights).embedding)


def test_an_item_with_nothing_is_zero_and_everything_is_finite(fusion, tokens, weights):
    fused = fusion(tokens, weights)
    assert fused.embedding[3].tolist() == [0.0] * 8
    assert fused.weights[3].tolist() == [0.0] * 3
    assert fused.embedding.isfinite().all()
    (fused.embedding.sum() + fused.pooled.sum()).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in fusion.parameters())


def test_an_absent_modality_has_zero_pooled_vector_and_share(fusion, tokens, weights):
    fused = fusion(tokens, weights)
    assert fused.pooled[1, 1].tolist() == [0.0] * 8
    assert fused.weights[1, 1] == 0
    assert_close(fused.weights[:3].sum(1), torch.ones(3))


def test_an_item_does_not_depend_on_the_others(fusion, tokens, weights):
    fused = fusion(tokens, weights)
    for row in range(4):
        alone = fusion({m: Tokens(t.values[[row]], t.lengths[[row]]) for m, t in tokens.items()}, weights[[row]])
        assert_close(alone.embedding[0], fused.embedding[row], atol=1e-5, rtol=1e-5)


def test_what_stands_in_the_slots_of_the_absent_changes_nothing(fusion, tokens, weights):
    spoilt = {m: Tokens(t.values.masked_fill(~t.mask[..., None], 1e3), t.lengths) for m, t in tokens.items()}
    clean, dirty = fusion(tokens, weights), fusion(spoilt, weights)
    assert_close(clean.embedding, dirty.embedding)
    for name, part in clean.tokens.items():
        assert_close(part.values[part.mask], dirty.tokens[name].values[part.mask])


def test_a_modality_nobody_has_may_be_missing(fusion, tokens, weights):
    absent = tokens | {"b": Tokens(torch.zeros(4, 2, 8), torch.zeros(4, dtype=torch.int64))}
    del tokens["b"]
    weights[0] = torch.tensor([0.5, 0.0, 0.5])
    with_key, without = fusion(absent, weights), fusion(tokens, weights)
    assert_close(with_key.embedding, without.embedding)
    assert_close(with_key.pooled, without.pooled)


def test_nothing_at_all_gives_zeros(fusion, weights):
    fused = fusion({}, weights * 0)
    assert fused.embedding.tolist() == [[0.0] * 8] * 4
    assert fused.pooled.shape == (4, 3, 8)


def test_tokens_stay_aligned_and_see_the_other_modalities(fusion, tokens, weights):
    fused = fusion(tokens, weights)
    assert {m: t.lengths.tolist() for m, t in fused.tokens.items()} == {
        m: t.lengths.tolist() for m, t in tokens.items()
    }
    other = tokens | {"c": Tokens(tokens["c"].values + torch.randn(8), tokens["c"].lengths)}
    moved = (fusion(other, weights).tokens["a"].values - fused.tokens["a"].values).abs().sum(-1) > 0
    assert moved.tolist() == fused.tokens["a"].mask.tolist()


@pytest.mark.parametrize("fusion", ["scale", "one_stream"], indirect=True)
def test_packed_and_padded_agree_in_values_and_gradients(fusion, tokens, weights):
    results = []
    for packed in (True, False):
        fusion.stack.packed = packed
        fusion.zero_grad()
        fused = fusion(tokens, weights)
        (fused.embedding.square().sum() + sum(t.values.square().sum() for t in fused.tokens.values())).backward()
        results.append((fused.embedding, fused.pooled, [p.grad for p in fusion.parameters()]))
    assert_close(*results, atol=1e-5, rtol=1e-4)


def test_every_parameter_gets_a_gradient(fusion, tokens, weights):
    fused = fusion(tokens, weights)
    loss = (fused.embedding * torch.randn(4, 8)).sum()
    (loss + sum((t.values * torch.randn_like(t.values)).sum() for t in fused.tokens.values())).backward()
    still = [name for name, p in fusion.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []
