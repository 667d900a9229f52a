"""Rows of length one, so that a dot product is a cosine, and numbers whose products fit into 32 bits."""

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 1e-15, 1e15
"""Between these the squares of numbers, and sums of them, neither vanish nor overflow in 32 bits."""


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2-normalise the rows ``b d``; a row of zeros stays zero.

    Example:
        >>> normalise(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = _lengths(vectors)
    extreme = ~((lengths > LEAST) & (lengths < MOST))
    if extreme.any():
        largest = np.abs(vectors[extreme]).max(axis=1, initial=0, keepdims=True)
        vectors = vectors.copy()
        vectors[extreme] /= np.where(largest == 0, 1, largest)
        lengths[extreme] = _lengths(vectors[extreme])
    lengths[lengths == 0] = 1
    unit: NDArray[np.float32] = np.divide(vectors, lengths[:, None], dtype=np.float32)
    return unit


def within_range(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors ``b d``, all divided by the largest number in them if their dot products could overflow or vanish.

    Example:
        >>> within_range(np.array([[2e30, -4e30]], dtype=np.float32)).tolist()
        [[0.5, -1.0]]
    """
    largest = np.abs(vectors).max(initial=0)
    if largest == 0 or LEAST < largest < MOST:
        return vectors
    scaled: NDArray[np.float32] = vectors / largest
    return scaled


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.sqrt(np.einsum("bd,bd->b", vectors, vectors))
    return lengths
