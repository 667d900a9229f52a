"""Short vectors: near the whole ones, the beginning of wider ones, and always the same."""

from types import SimpleNamespace

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.precision import encode, unit
from m5kit.inference.shortening import is_nested, projection, shorten, stored


@pytest.fixture
def vectors():
    return unit(np.random.default_rng(0).random((60, 400)).astype(np.float32) ** 4)


def test_cosines_stay_but_for_a_random_error(vectors):
    whole = vectors @ vectors.T
    for width in (64, 256):
        short = shorten(vectors, width)
        assert np.abs(short @ short.T - whole).mean() < 1 / np.sqrt(width)
    turned = shorten(vectors, 400)
    np.testing.assert_allclose(turned @ turned.T, whole, atol=1e-5)


def test_equal_signs_tell_the_angle(vectors):
    short = shorten(vectors, 256, "binary")
    equal = (short @ short.T + 1) / 2
    angles = np.arccos(np.clip(vectors @ vectors.T, -1, 1))
    np.testing.assert_allclose(equal, 1 - angles / np.pi, atol=0.15)
    assert abs((equal - (1 - angles / np.pi)).mean()) < 0.02


def test_a_short_vector_is_the_beginning_of_a_wider_one(vectors):
    for nested in (False, True):
        wide = shorten(vectors, 64, nested=nested)
        np.testing.assert_allclose(shorten(vectors, 16, nested=nested), unit(wide[:, :16]), atol=1e-5)
    np.testing.assert_array_equal(shorten(vectors, 16, nested=True), unit(vectors[:, :16]))


def test_the_projection_is_the_same_for_ever():
    columns = projection(4, 2)
    np.testing.assert_allclose(columns.T @ columns, np.eye(2), atol=1e-6)
    expected = np.array([1.764052, 0.400157, 0.978738, 2.240893])  # the first numbers that the seed 0 gives
    np.testing.assert_allclose(columns[:, 0], expected / np.linalg.norm(expected), atol=1e-6)


def test_zeros_stay_zeros_and_no_more_numbers_are_kept_than_there_are(vectors):
    assert not shorten(np.zeros((1, 40), np.float32), 8, "binary").any()
    with pytest.raises(ConfigError, match="expected 1 to 400 in this space, got 401"):
        shorten(vectors, 401)


def test_without_a_width_vectors_keep_their_length(vectors):
    np.testing.assert_array_equal(shorten(2 * vectors, None), 2 * vectors)
    np.testing.assert_array_equal(stored(vectors, 16, "int8", True), encode(unit(vectors[:, :16]), "int8"))


def test_only_the_contrastive_features_are_trained_nested():
    config = SimpleNamespace(tasks={"contrastive": {"nested": [4]}, "matching": {}})
    assert is_nested(config, "contrastive")
    assert not is_nested(config, "item")
    assert not is_nested(SimpleNamespace(tasks={"contrastive": {"nested": []}}), "contrastive")
