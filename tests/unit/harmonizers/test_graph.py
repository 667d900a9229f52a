import numpy as np
import pytest
import torch

from m5kit.errors import ConfigError
from m5kit.harmonizers.graph import GraphHarmonizer, alignment
from m5kit.registry import HARMONIZERS


def random_items(items=6, modalities=5, width=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.rand(items, modalities, width, dtype=torch.float64, generator=generator)
    present = torch.rand(items, modalities, generator=generator) < 0.7
    present[0], present[1], present[2] = True, False, torch.arange(modalities) == 1
    return features, present


def vectors_with(gram):
    return torch.from_numpy(np.linalg.cholesky(gram + 1e-14 * np.eye(len(gram))))[None]


def numpy_scores(features, present):
    scores = np.zeros((len(features), features.shape[1], features.shape[1]))
    for item, (rows, here) in enumerate(zip(features, present, strict=True)):
        kept = np.flatnonzero(here)
        unit = rows[kept] / np.linalg.norm(rows[kept], axis=1, keepdims=True)
        cosine = unit @ unit.T
        chosen = np.exp(cosine) / np.exp(cosine).sum(axis=1, keepdims=True)
        product = cosine * chosen
        scores[item][np.ix_(kept, kept)] = product / np.linalg.norm(product, axis=1, keepdims=True)
    return scores


def numpy_shares(pairs, present):
    shares = np.zeros(present.shape)
    for item, here in enumerate(present):
        kept = np.flatnonzero(here)
        if len(kept) == 1:
            shares[item, kept] = 1
        elif len(kept):
            agreement = [np.mean([pairs[item, i, j] for j in kept if j != i]) for i in kept]
            shares[item, kept] = np.array(agreement) / np.sum(agreement)
    return shares


@pytest.mark.parametrize(
    ("cosine", "diagonal", "off_diagonal"),
    [(0.2, 0.984, 0.088), (0.5, 0.855, 0.259), (0.8, 0.607, 0.397), (0.95, 0.484, 0.438), (1.0, 0.447, 0.447)],
)
def test_equal_cosines_give_the_values_of_the_released_code(cosine, diagonal, off_diagonal):
    features = vectors_with(np.full((5, 5), cosine) + (1 - cosine) * np.eye(5))
    harmony = GraphHarmonizer()(features, torch.ones(1, 5, dtype=torch.bool))
    others = ~torch.eye(5, dtype=torch.bool)
    torch.testing.assert_close(harmony.tasks, torch.full_like(harmony.tasks, diagonal), atol=5e-4, rtol=0)
    torch.testing.assert_close(
        harmony.pairs[0][others], torch.full((20,), off_diagonal, dtype=torch.float64), atol=6e-4, rtol=0
    )
    torch.testing.assert_close(harmony.modalities, torch.full((1, 5), 0.2, dtype=torch.float64))


def test_an_outlier_weighs_little_in_pairs_and_much_in_its_own_task():
    gram = np.full((5, 5), 0.8) + 0.2 * np.eye(5)
    gram[4, :4] = gram[:4, 4] = 0.1
    features, present = vectors_with(gram), torch.ones(1, 5, dtype=torch.bool)
    scores, harmony = alignment(features, present)[0], GraphHarmonizer()(features, present)
    assert harmony.tasks[0].tolist() == pytest.approx([0.661] * 4 + [0.997], abs=5e-4)
    assert scores[0, 4].item() == pytest.approx(0.027, abs=5e-4)
    assert harmony.pairs[0, 0, 4].item() == pytest.approx(((scores[0, 4] + scores[4, 0]) / 2).item())
    assert harmony.pairs[0, 0, 4] < 0.1 * harmony.pairs[0, 0, 1]
    assert harmony.modalities[0, 4] < 0.11 * harmony.modalities[0, 0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_identical_features_give_one_over_root_m(size):
    features = torch.ones(1, size, 6, dtype=torch.float64)
    scores = alignment(features, torch.ones(1, size, dtype=torch.bool))
    torch.testing.assert_close(scores, torch.full_like(scores, size**-0.5))


def test_it_agrees_with_a_numpy_version():
    features, present = random_items()
    harmony = GraphHarmonizer()(features, present)
    scores = numpy_scores(features.numpy(), present.numpy())
    pairs = 0.5 * (scores + scores.transpose(0, 2, 1))
    assert np.abs(harmony.pairs.numpy() - pairs).max() < 1e-6
    assert np.abs(harmony.tasks.numpy() - np.einsum("bmm->bm", scores)).max() < 1e-6
    assert np.abs(harmony.modalities.numpy() - numpy_shares(pairs, present.numpy())).max() < 1e-6


def test_the_order_of_modalities_does_not_matter():
    features, present = random_items()
    order = torch.tensor([4, 0, 3, 1, 2])
    plain = GraphHarmonizer()(features, present)
    turned = GraphHarmonizer()(features[:, order], present[:, order])
    torch.testing.assert_close(turned.pairs, plain.pairs[:, order][:, :, order])
    torch.testing.assert_close(turned.tasks, plain.tasks[:, order])
    torch.testing.assert_close(turned.modalities, plain.modalities[:, order])


def test_weights_are_symmetric_and_between_zero_and_one():
    features, present = random_items(items=50)
    harmony = GraphHarmonizer()(features - 0.5, present)  # cosines of both signs
    torch.testing.assert_close(harmony.pairs, harmony.pairs.mT)
    for weights in (harmony.pairs, harmony.tasks, harmony.modalities):
        assert weights.min() >= 0
        assert weights.max() <= 1 + 1e-9


def test_an_absent_modality_has_no_weight_no_gradient_and_no_say():
    features, present = random_items()
    features[~present] = torch.nan
    features.requires_grad_()
    harmony = GraphHarmonizer(detach=False)(features, present)
    (harmony.pairs.sum() + harmony.tasks.sum() + harmony.modalities.square().sum()).backward()
    assert harmony.pairs[~(present[:, :, None] & present[:, None])].abs().sum() == 0
    assert harmony.tasks[~present].abs().sum() == 0
    assert harmony.modalities[~present].abs().sum() == 0
    assert features.grad[~present].abs().sum() == 0
    assert features.grad.isfinite().all()
    assert features.grad[0].abs().sum() > 0


def test_detached_weights_send_no_gradient():
    features, present = random_items()
    harmony = GraphHarmonizer()(features.requires_grad_(), present)
    assert not any(weights.requires_grad for weights in (harmony.pairs, harmony.tasks, harmony.modalities))


def test_features_of_zeros_weigh_nothing_and_share_alike():
    harmony = GraphHarmonizer()(torch.zeros(1, 3, 4), torch.tensor([[True, True, False]]))
    assert harmony.pairs.abs().sum() == 0
    assert harmony.modalities.tolist() == [[0.5, 0.5, 0.0]]


def test_it_is_found_by_name():
    assert isinstance(HARMONIZERS.build({"type": "graph"}, modalities=("a", "b")), GraphHarmonizer)
    assert GraphHarmonizer().penalty().item() == 0


def test_a_pair_may_take_the_row_of_the_modality_that_comes_first():
    features, present = random_items(modalities=3)
    scores = torch.from_numpy(numpy_scores(features.numpy(), present.numpy()))
    pairs = GraphHarmonizer(modalities=("a", "b", "c"), rows=["c", "x", "a", "b"])(features, present).pairs
    for first, second in ((2, 0), (2, 1), (0, 1)):
        torch.testing.assert_close(pairs[:, first, second], scores[:, first, second])
        torch.testing.assert_close(pairs[:, second, first], scores[:, first, second])


def test_rows_must_name_every_modality():
    with pytest.raises(ConfigError, match=r"harmonizer\.rows: b, c is not in it; give every modality a place"):
        GraphHarmonizer(modalities=("a", "b", "c"), rows=["a"])


def test_opposed_pairs_still_weigh_something():
    features = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    harmony = GraphHarmonizer()(features, torch.tensor([[True, True]]))
    assert 0 < harmony.pairs[0, 0, 1] < 0.01
