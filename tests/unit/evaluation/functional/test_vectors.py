"""Normalised rows have length one, and a row of zeros stays."""

import numpy as np

from m5kit.evaluation.functional.vectors import normalise


def test_rows_have_length_one_but_for_zeros():
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    vectors[2] = 0
    unit = normalise(vectors)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [1, 1, 0, 1, 1], atol=1e-6)
