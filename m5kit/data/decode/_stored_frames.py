"""Frames that ``m5kit data prepare`` stored: pixels, or JPEG files in an AVI file, which are decoded one by one.

Any player opens such an AVI file. To read it, no container library has to be started and no frame converted from
another colour space: that takes a third of the time.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._frames import ClipCaps, ClipIndex
from m5kit.data.decode._jpeg import jpeg_library
from m5kit.data.decode._stored_pixels import MAGIC, read_pixels

MARK = b"m5kit frames"
"""The comment in a file of ours; other AVI files of JPEG pictures are left to FFmpeg, which knows their odd kinds."""

RIFF, FRAME = b"RIFF", b"00dc"
HEAD = 12
"""Bytes in front of the parts of a list: its name, its length, and what it is a list of."""


def read_stored(content: memoryview | None, frames: int, fps: float | None, caps: ClipCaps) -> NDArray[np.uint8] | None:
    """The chosen frames ``t h w 3`` of a clip that m5kit stored; None for any other file, and for a damaged AVI file.

    Args:
        content: of the file; None for a file that is none of these.
        frames: at most so many frames.
        fps: as decoders take it.
        caps: of the clip.

    Raises:
        UnusableFileError: its frames are over a cap, or it holds pixels in another form.
    """
    if content is None:
        return None
    pixels = read_pixels(content, 4, caps.pixels)
    if pixels is not None:
        chosen = _chosen(len(pixels), frames, fps)
        return pixels if len(chosen) == len(pixels) else pixels[chosen]
    pictures = [content[start:end] for start, end in _frame_places(content)]
    if not pictures:
        return None
    return _decoded([pictures[number] for number in _chosen(len(pictures), frames, fps)], caps)


def map_stored(path: Path) -> memoryview | None:
    """The contents of a file that may be a stored clip; None for other kinds, by their first bytes."""
    with path.open("rb") as file:
        if not file.read(len(MAGIC)).startswith((RIFF, MAGIC)):
            return None
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _chosen(count: int, frames: int, fps: float | None) -> NDArray[np.int64]:
    numbers = np.arange(count)
    return ClipIndex(numbers, numbers, 1.0, True, count, 0).choose(frames, fps)


def _decoded(pictures: list[memoryview], caps: ClipCaps) -> NDArray[np.uint8] | None:
    library = jpeg_library("reading stored frames")
    try:
        height, width, *_ = library.decode_jpeg_header(pictures[0])
    except ValueError:
        return None
    caps.check_size(width, height)
    pixels = np.empty((len(pictures), height, width, 3), np.uint8)
    try:
        for picture, place in zip(pictures, pixels, strict=True):
            library.decode_jpeg(picture, "RGB", buffer=place)
    except ValueError:  # damaged, or larger than the first one
        return None
    return pixels


def _frame_places(content: memoryview) -> list[tuple[int, int]]:
    """Where each frame begins and ends; none if the file is not one of ours, or not whole."""
    if content[:4] != RIFF:
        return []
    frames: list[tuple[int, int]] = []
    marked = False
    for name, start, end in _parts(content, HEAD, len(content)):
        if end > len(content):
            return []
        if name == b"LIST" and bytes(content[start : start + 4]) == b"INFO":
            marked = MARK in bytes(content[start:end])
        elif name == b"LIST" and bytes(content[start : start + 4]) == b"movi":
            frames = [(first, last) for kind, first, last in _parts(content, start + 4, end) if kind == FRAME]
    return frames if marked else []


def _parts(content: memoryview, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and end of each chunk of a RIFF file: its length stands behind its name, odd ones are padded."""
    while start + 8 <= end:
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        yield bytes(content[start : start + 4]), start + 8, start + 8 + length
        start += 8 + length + length % 2
