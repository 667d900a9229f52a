import torch

from m5kit.nn.neighbours import shared_neighbours


def _noise(seed, items=200, width=6):
    return torch.randn(items, width, generator=torch.Generator().manual_seed(seed))


def test_the_same_vectors_agree_wholly():
    assert shared_neighbours(_noise(0), 3 * _noise(0)) == 1.0


def test_unrelated_vectors_agree_by_chance_alone():
    assert abs(shared_neighbours(_noise(0), _noise(1))) < 3 / 200


def test_noise_lowers_the_agreement():
    clear = shared_neighbours(_noise(0), _noise(0) + 0.2 * _noise(1))
    faint = shared_neighbours(_noise(0), _noise(0) + 1.0 * _noise(1))
    assert 0.5 < clear < 1
    assert 0.05 < faint < clear
