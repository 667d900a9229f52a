"""Vectors in fewer bits: what is stored, and how near the vectors that are read back are."""

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.precision import check_size, decode, encode, rounded, unit


@pytest.fixture
def vectors():
    drawn = np.random.default_rng(0).normal(size=(50, 64)).astype(np.float32)
    drawn[3] = 0
    return unit(drawn)


@pytest.mark.parametrize(
    ("precision", "bytes_", "least"),
    [("float32", 256, 1), ("float16", 128, 0.9999), ("int8", 64, 0.999), ("binary", 8, 0.7)],
)
def test_a_vector_takes_its_bits_and_keeps_its_direction(vectors, precision, bytes_, least):
    codes = encode(vectors, precision)
    assert codes[0].nbytes == bytes_
    cosines = (unit(decode(codes)) * vectors).sum(1)
    assert np.delete(cosines, 3).min() >= least - 1e-6


@pytest.mark.parametrize("precision", ["float16", "int8", "binary"])
def test_an_item_with_nothing_keeps_a_vector_of_zeros(vectors, precision):
    left = rounded(vectors, precision)
    assert left.dtype == np.float32
    assert not left[3].any()
    np.testing.assert_allclose(np.linalg.norm(np.delete(left, 3, 0), axis=1), 1, atol=1e-3)


def test_a_vector_and_its_opposite_have_opposite_numbers(vectors):
    assert np.array_equal(encode(vectors, "int8"), -encode(-vectors, "int8"))


def test_all_mistakes_in_a_size_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        check_size("unscaled", 12, "binary")
    assert len(caught.value.problems) == 2
    with pytest.raises(ConfigError, match="expected float32, float16, int8, binary; got 'int4'"):
        check_size("item", None, "int4")
    with pytest.raises(ConfigError, match="binary needs a width, such as 256"):
        check_size("item", None, "binary")
    with pytest.raises(ConfigError, match="expected a whole number of at least 1, got 0"):
        check_size("item", 0, "float32")
