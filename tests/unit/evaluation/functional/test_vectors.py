"""Normalised rows have length one, and a row of zeros stays."""

import numpy as np
import pytest

from m5kit.evaluation.functional.vectors import normalise, within_range


def test_rows_have_length_one_but_for_zeros():
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    vectors[2] = 0
    unit = normalise(vectors)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [1, 1, 0, 1, 1], atol=1e-6)


@pytest.mark.parametrize("factor", [1e36, 1e25, 1e-25, 1e-37])
def test_numbers_whose_squares_do_not_fit_into_32_bits_have_their_direction(factor):
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    vectors[2] = 0
    extreme = vectors * np.float32(factor)
    np.testing.assert_allclose(normalise(extreme), normalise(vectors), rtol=1e-5)
    moderate = within_range(extreme)
    np.testing.assert_allclose(normalise(moderate), normalise(vectors), rtol=1e-5)
    assert np.isfinite(moderate @ moderate.T).all()
    assert (moderate @ moderate.T).any()


def test_usual_numbers_are_not_touched():
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    assert within_range(vectors) is vectors
    zeros = np.zeros((2, 3), dtype=np.float32)
    assert within_range(zeros) is zeros
