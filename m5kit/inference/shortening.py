"""Shortens public vectors to their first numbers, or to a fixed random projection of all of them.

Shape letters: b item, d whole width, n short width.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from m5kit.config import RunConfig
from m5kit.errors import UsageError
from m5kit.evaluation.precision import Precision, encode, rounded, unit

SEED = 0
"""Of the projection: whoever shortens vectors of a run must make the same ones, today and in a year."""


def shorten(
    vectors: NDArray[np.float32], width: int | None, precision: Precision = "float32", nested: bool = False
) -> NDArray[np.float32]:
    """What is left of vectors ``b d`` at a size: unit vectors ``b n`` float32; zeros stay zeros.

    A short vector is the beginning of every longer one. Nothing is learned from data, so vectors of any subset of
    modalities can be shortened, and cosines keep their values up to a random error of about ``1 / sqrt(n)``
    (Johnson and Lindenstrauss, 1984). For ``binary`` the share of equal signs tells the angle (Charikar, STOC 2002).

    Args:
        vectors: of any length.
        width: n; None leaves their width and length.
        precision: of the numbers in a file.
        nested: the first numbers were trained to be vectors of their own, so they are cut.

    Raises:
        ConfigError: the vectors are not so wide.
    """
    return rounded(narrowed(vectors, width, nested), precision)


def stored(vectors: NDArray[np.float32], width: int | None, precision: Precision, nested: bool) -> NDArray[np.generic]:
    """The same as :func:`m5kit.evaluation.precision.encode` stores it: with ``binary`` 8 signs in a byte."""
    return encode(narrowed(vectors, width, nested), precision)


def narrowed(vectors: NDArray[np.float32], width: int | None, nested: bool) -> NDArray[np.float32]:
    """Unit vectors ``b n`` of vectors ``b d``, or the same vectors if ``width`` is None.

    Raises:
        ConfigError: the vectors are not so wide.
    """
    if width is None:
        return vectors
    whole = vectors.shape[1]
    if not 1 <= width <= whole:
        raise UsageError([f"width: expected 1 to {whole} in this space, got {width}"])
    return unit(vectors[:, :width] if nested else vectors @ projection(whole, width))


@lru_cache(maxsize=8)
def projection(whole: int, width: int) -> NDArray[np.float32]:
    """Random orthonormal columns ``d n``, always the same; fewer columns are the first ones of more."""
    # NumPy keeps the numbers of RandomState through all its versions, those of a Generator not (NEP 19).
    drawn = np.random.RandomState(SEED).standard_normal((width, whole))
    columns, triangle = np.linalg.qr(drawn.T)
    # The signs that come out of a QR decomposition differ between libraries; these are unique.
    return np.asarray(columns * np.sign(np.diag(triangle)), dtype=np.float32)


def is_nested(config: RunConfig, space: str) -> bool:
    """Whether the first numbers of a space were trained to be vectors of their own."""
    return space == "contrastive" and any(task.get("nested") for task in config.tasks.values())
