"""Items that a caller of Python holds: bytes of files, and what it has decoded already."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import DecodeError


class FileBytes:
    """The bytes of a file for a decoder, which opens them as it would open the file itself.

    They lie in a temporary file: every library that decoders use opens files by their path, so nothing is decoded in
    another way than it was in training, and the same caps hold.

    Args:
        path: where the bytes lie.
        size: how many there are.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size

    def __repr__(self) -> str:
        return f"<{self.size:,} bytes>"


@contextmanager
def in_a_file(content: bytes) -> Iterator[FileBytes]:
    """Keep bytes in a file of their own until the ``with`` block ends."""
    number, path = tempfile.mkstemp(prefix="m5kit-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        yield FileBytes(Path(path), len(content))
    finally:
        os.unlink(path)


def as_array(value: Any) -> NDArray[Any] | None:
    """A numpy array or a tensor as a numpy array; None for anything else.

    Raises:
        DecodeError: it holds no numbers.
    """
    if hasattr(value, "detach"):  # a tensor may lie on a device and have a gradient
        value = value.detach().cpu().numpy()
    if not isinstance(value, np.ndarray):
        return None
    if value.dtype.kind not in "uif":
        raise DecodeError(f"expected an array of numbers, got one of {value.dtype}")
    return value


def channels_last(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels ``... h w c`` of ``... h w c`` or, as torch has them, ``... c h w``; c is 1, 3 or 4."""
    if pixels.shape[-1] not in CHANNELS and pixels.shape[-3] in CHANNELS:
        return np.moveaxis(pixels, -3, -1)
    return pixels


CHANNELS = (1, 3, 4)
"""Grey, colours, colours with transparency."""
