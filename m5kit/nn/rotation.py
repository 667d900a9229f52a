"""A fixed rotation that spreads every number of a vector over all columns."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SEED = 0
"""Of the order and the signs: a model that is built again must rotate as it did."""


def rotation(width: int) -> Tensor:
    """An orthonormal matrix ``w w``: columns in random order and with random signs, then a cosine transform.

    No cosine between vectors changes, but their columns come to vary alike: whoever standardises columns, as many
    classifiers do, then sees the vector as a search sees it, and blows up nothing that hardly varies.

    Example:
        >>> turn = rotation(3)
        >>> torch.allclose(turn @ turn.T, torch.eye(3), atol=1e-6)
        True
    """
    return torch.from_numpy(_rotation(width).copy())


@lru_cache(maxsize=16)
def _rotation(width: int) -> NDArray[np.float32]:
    # NumPy keeps the numbers of RandomState through all its versions (NEP 19); and the meta device needs no numbers.
    random = np.random.RandomState(SEED)
    signs, order = random.choice([-1.0, 1.0], width), random.permutation(width)
    # The orthonormal DCT-II, whose constant column has a norm of its own; in place, as every run that is loaded waits.
    turned = np.asarray(np.pi / width * (order[:, None] + 0.5) * np.arange(width), dtype=np.float64)
    np.cos(turned, out=turned)
    turned *= np.sqrt(2 / width)
    turned[:, 0] = np.sqrt(1 / width)
    turned *= signs[order, None]
    return turned.astype(np.float32)
