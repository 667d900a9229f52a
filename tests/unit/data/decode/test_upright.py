"""How decoded frames are turned; see test_clips for whole files."""

import numpy as np
import pytest

from m5kit.data.decode._upright import turn_upright


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([1, 0, 0, 1], [[1, 2, 3], [4, 5, 6]]),
        ([0, 1, -1, 0], [[4, 1], [5, 2], [6, 3]]),
        ([-1, 0, 0, -1], [[6, 5, 4], [3, 2, 1]]),
        ([0, -1, 1, 0], [[3, 6], [2, 5], [1, 4]]),
        ([-1, 0, 0, 1], [[3, 2, 1], [6, 5, 4]]),
        ([1, 0, 0, -1], [[4, 5, 6], [1, 2, 3]]),
        ([0, 1, 1, 0], [[1, 4], [2, 5], [3, 6]]),
        ([0, -1, -1, 0], [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_turning_by_hand(matrix, expected):
    a, b, c, d = (65536 * number for number in matrix)
    pixels = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)[None, :, :, None].repeat(3, 3)
    turned = turn_upright(pixels, np.array([a, b, 0, c, d, 0, 0, 0, 2**30], np.int32))
    assert turned[0, :, :, 0].tolist() == expected
