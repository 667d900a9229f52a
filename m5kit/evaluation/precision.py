"""Stores vectors in fewer bits: halves, whole numbers of one byte, or signs.

Shape letters: b item, d width.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import ConfigError, UsageError
from m5kit.ranges import is_count

Precision: TypeAlias = Literal["float32", "float16", "int8", "binary"]

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

BITS: Mapping[Precision, int] = {"float32": 32, "float16": 16, "int8": 8, "binary": 1}
"""What one number of a vector takes."""

LARGEST = 127
"""Of the whole numbers in one byte; -128 is not used, so that a vector and its opposite have opposite numbers."""


def check_precision(precision: str, width: int) -> None:
    """Refuse what cannot be stored.

    Raises:
        ConfigError: an unknown precision, or signs that do not fill whole bytes.
    """
    if precision not in PRECISIONS:
        raise UsageError([f"precision: expected {', '.join(PRECISIONS)}; got {precision!r}"])
    if precision == "binary" and width % 8:
        raise UsageError([f"width: binary packs 8 signs in a byte, so expected a multiple of 8, got {width}"])


def check_size(space: str, width: int | None, precision: str) -> None:
    """Refuse what cannot be, before anything is loaded.

    Raises:
        ConfigError: every mistake.
    """
    problems = []
    if width is not None and not is_count(width):
        problems.append(f"width: expected a whole number of at least 1, got {width!r}")
    try:
        check_precision(precision, 8 if width is None else width)
    except ConfigError as error:
        problems += error.problems
    if precision == "binary" and width is None:
        problems.append("width: signs alone say little of whole vectors, so binary needs a width, such as 256")
    if space == "unscaled" and (width is not None or precision in ("int8", "binary")):
        problems.append("space: short vectors have unit length, which 'unscaled' has not; choose another space")
    if problems:
        raise UsageError(problems)


def encode(vectors: NDArray[np.float32], precision: Precision) -> NDArray[Any]:
    """Vectors ``b d`` as they are stored.

    Returns:
        ``b d`` of the precision; with ``binary``, ``b d/8`` uint8, the signs of 8 numbers in a byte. Whole numbers
        keep a vector's direction but not its length: its largest number becomes 127 or -127.

    Raises:
        ConfigError: the vectors cannot be stored so.

    Example:
        >>> encode(np.array([[0.8, -0.6]], np.float32), "int8")
        array([[127, -95]], dtype=int8)
        >>> encode(np.array([[1, 1, -1, -1, -1, -1, -1, 1]], np.float32), "binary")
        array([[193]], dtype=uint8)
    """
    check_precision(precision, vectors.shape[1])
    if precision == "binary":
        return np.packbits(vectors > 0, axis=1)
    if precision == "int8":
        # By each vector's own largest number: a scale common to all would have to be learned and kept with the file.
        largest = np.abs(vectors).max(axis=1, keepdims=True)
        scaled = vectors / np.where(largest > 0, largest, 1) * LARGEST
        return np.rint(scaled).astype(np.int8)
    return vectors.astype(precision)


def decode(codes: NDArray[Any]) -> NDArray[np.float32]:
    """What :func:`encode` made of vectors, as vectors ``b d`` float32 again; their type tells how they were stored.

    Those of one byte or one bit get unit length.

    Example:
        >>> decode(np.array([[4, -3]], np.int8))
        array([[ 0.8, -0.6]], dtype=float32)
        >>> decode(np.array([[193]], np.uint8))[0, :3].round(2)
        array([ 0.35,  0.35, -0.35], dtype=float32)
    """
    if codes.dtype == np.uint8:
        return unit(2 * np.unpackbits(codes, axis=1).astype(np.float32) - 1)
    if codes.dtype == np.int8:
        return unit(codes.astype(np.float32))
    return codes.astype(np.float32)


def rounded(vectors: NDArray[np.float32], precision: Precision) -> NDArray[np.float32]:
    """What is left of vectors ``b d`` once they were stored; a vector of zeros stays one."""
    if precision == "float32":
        return vectors
    # zeros have no signs, and must not be found by a search
    return decode(encode(vectors, precision)) * vectors.any(axis=1, keepdims=True)


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors ``b d`` of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled
