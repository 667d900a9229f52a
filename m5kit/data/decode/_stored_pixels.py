"""Pixels that are stored as they are: numpy files of uint8, colours first, ``3 h w`` or ``t 3 h w``."""

import io
import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from m5kit.data.files import UnusableFileError

MAGIC = b"\x93NUMPY"
PLAIN = "C uint8"
"""Bytes, the last axis next to each other."""


def read_pixels(content: bytes | memoryview, axes: int, max_pixels: int) -> NDArray[np.uint8] | None:
    """Pixels ``... h w 3``, a view of a new array ``... 3 h w``; None if the file is no numpy file.

    Args:
        content: of the file.
        axes: 3 for a picture, 4 for a clip.
        max_pixels: larger pictures or frames are refused.

    Raises:
        UnusableFileError: it holds something else, too much, or less than it says.
    """
    if bytes(content[: len(MAGIC)]) != MAGIC:
        return None
    start = 10 + int.from_bytes(content[8:10], "little")
    shape, kind = _layout(bytes(content[:start]))
    if kind != PLAIN or len(shape) != axes or shape[-3] != 3 or 0 in shape:
        wanted = "(t, 3, h, w)" if axes == 4 else "(3, h, w)"
        raise UnusableFileError(f"expected uint8 pixels of shape {wanted}, got {kind} {shape}")
    if shape[-2] * shape[-1] > max_pixels:
        raise UnusableFileError(f"{shape[-1]}x{shape[-2]} is over max_pixels={max_pixels:,}")
    size = math.prod(shape)
    if start + size != len(content):
        raise UnusableFileError(f"it declares {start + size:,} bytes and has {len(content):,}")
    # A copy: what reads it may write into it, and the bytes may lie in a file that is mapped.
    pixels = np.frombuffer(content, np.uint8, size, start).reshape(shape).copy()
    return np.moveaxis(pixels, -3, -1)


@lru_cache(64)
def _layout(head: bytes) -> tuple[tuple[int, ...], str]:
    """The shape that a head gives, and the kind of its numbers; most files of a data set have the same head."""
    file = io.BytesIO(head)
    if np.lib.format.read_magic(file) != (1, 0):
        raise UnusableFileError("expected version 1.0 of numpy's format")
    shape, by_columns, kind = np.lib.format.read_array_header_1_0(file)
    return shape, f"{'F' if by_columns else 'C'} {kind}"


def pack_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """The file of pixels ``... 3 h w``."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(pixels), version=(1, 0), allow_pickle=False)
    return content.getvalue()
