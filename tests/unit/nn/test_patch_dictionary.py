import pytest
import torch
from torch.nn.functional import normalize

from m5kit.nn.patch_dictionary import PatchDictionary, _spherical_means, shown


def _noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _learned(maps):
    dictionary = PatchDictionary(channels=maps.shape[1], atoms=6, stride=(2, 2), patch=(4, 4))
    dictionary.learn(dictionary.patches(maps).flatten(0, 1))
    return dictionary


def test_it_gives_the_products_of_whitened_patches_and_atoms():
    maps = _noise(5, 3, 11, 13)
    dictionary = _learned(maps)
    products = dictionary(maps)
    assert products.shape == (5, 6, 4, 5)
    wanted = dictionary.patches(maps) @ dictionary.filters.flatten(1).T + dictionary.offset
    torch.testing.assert_close(products.flatten(2), wanted.transpose(1, 2), rtol=1e-3, atol=1e-4)
    assert products.std() == pytest.approx(1, rel=0.1)


def test_a_patch_shows_an_atom_or_its_opposite_beyond_a_threshold():
    same, opposite = shown(torch.tensor([0.5, 3.0, -0.9, -1.5]))
    assert same.tolist() == [0, 2, 0, 0]
    assert opposite.tolist() == [0, 0, 0, 0.5]


def test_atoms_are_the_directions_around_which_patches_gather():
    true = normalize(_noise(3, 20), dim=1)
    which, sizes = torch.arange(600) % 3, _noise(600, seed=1)
    points = sizes[:, None] * true[which] + 0.01 * _noise(600, 20, seed=2)
    found = _spherical_means(points, 3)
    assert (found @ true.T).abs().max(0).values.min() > 0.99


def test_it_shows_nothing_before_it_has_learned():
    dictionary = PatchDictionary(channels=1, patch=(2, 2), atoms=3, stride=(1, 1))
    assert not dictionary(_noise(2, 1, 5, 5)).any()


def test_maps_smaller_than_a_patch_have_one_place():
    dictionary = PatchDictionary(channels=1, patch=(4, 6), atoms=3, stride=(2, 1))
    assert dictionary(torch.zeros(2, 1, 3, 5)).shape == (2, 3, 1, 1)
    assert dictionary.places(torch.tensor([0, 3, 4, 5, 6, 9])).tolist() == [1, 1, 1, 1, 2, 3]
    assert dictionary.places(torch.tensor(9), axis=1) == 4


def test_equal_patches_and_too_few_of_them_give_finite_products():
    maps = torch.full((2, 1, 6, 6), 0.5)
    assert _learned(maps)(maps).isfinite().all()
