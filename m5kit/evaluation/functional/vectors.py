"""L2 normalisation of vectors, so that a dot product is a cosine."""

import numpy as np
from numpy.typing import NDArray


def normalise(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """L2-normalise the rows ``b d``; a row of zeros stays zero.

    Example:
        >>> normalise(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32)).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.sqrt(np.einsum("bd,bd->b", vectors, vectors))[:, None]
    lengths[lengths == 0] = 1
    unit: NDArray[np.float32] = np.divide(vectors, lengths, dtype=np.float32)
    return unit
