import numpy as np

from m5kit.evaluation.functional.vectors import normalise


def test_rows_get_unit_length_and_zeros_stay():
    vectors = np.array([[3, 4], [0, 0], [-2, 0]], dtype=np.float32)
    before = vectors.copy()
    np.testing.assert_allclose(normalise(vectors), [[0.6, 0.8], [0, 0], [-1, 0]], atol=1e-7)
    assert (vectors == before).all()
    assert normalise(vectors).dtype == np.float32
