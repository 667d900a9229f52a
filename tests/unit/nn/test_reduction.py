import torch

from m5kit.nn.reduction import Reduction


def _noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_it_keeps_the_directions_that_vary_most():
    vectors = _noise(200, 6) * torch.tensor([5.0, 4.0, 0.1, 3.0, 0.1, 0.1]) + 7
    reduction = Reduction(width=6, kept=3)
    assert torch.equal(reduction(vectors), vectors)
    reduction.learn(vectors)
    kept = reduction(vectors)
    assert kept.shape == (200, 3)
    assert kept.var(0).sum() > 0.99 * vectors.var(0).sum()
    assert kept.var(0).tolist() == sorted(kept.var(0).tolist(), reverse=True)


def test_a_corpus_of_few_items_leaves_columns_at_zero():
    reduction = Reduction(width=6, kept=5)
    reduction.learn(_noise(2, 6))
    assert reduction(_noise(3, 6))[:, 2:].abs().max() == 0


def test_it_survives_saving():
    vectors, reduction, other = _noise(20, 6), Reduction(width=6, kept=2), Reduction(width=6, kept=2)
    reduction.learn(vectors)
    other.load_state_dict(reduction.state_dict())
    assert torch.equal(other(vectors), reduction(vectors))
