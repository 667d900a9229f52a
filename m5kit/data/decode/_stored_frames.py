"""Frames that ``m5kit data prepare`` stored: JPEG files in an AVI file, found by its chunks and decoded one by one.

Any player opens such a file. To read it, no container library has to be started and no frame converted from another
colour space: that takes a third of the time.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.data.decode._frames import ClipCaps, ClipIndex
from m5kit.data.decode._jpeg import jpeg_library

MARK = b"m5kit frames"
"""The comment in a file of ours; other AVI files of JPEG pictures are left to FFmpeg, which knows their odd kinds."""

FRAME = b"00dc"
HEAD = 12
"""Bytes in front of the parts of a list: its name, its length, and what it is a list of."""


def read_stored(path: Path, frames: int, fps: float | None, caps: ClipCaps) -> NDArray[np.uint8] | None:
    """The chosen frames ``t h w 3`` of a clip that m5kit stored; None for any other file, and for a damaged one.

    Raises:
        DamagedClipError: its frames are over a cap.
    """
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            pictures = [content[start:end] for start, end in _frame_places(content)]
    if not pictures:
        return None
    numbers = np.arange(len(pictures))
    chosen = ClipIndex(numbers, numbers, 1.0, True, len(pictures), 0).choose(frames, fps)
    return _decoded([pictures[number] for number in chosen], caps)


def _decoded(pictures: list[bytes], caps: ClipCaps) -> NDArray[np.uint8] | None:
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


def _frame_places(content: mmap.mmap) -> list[tuple[int, int]]:
    """Where each frame begins and ends; none if the file is not one of ours, or not whole."""
    frames: list[tuple[int, int]] = []
    marked = False
    for name, start, end in _parts(content, HEAD, len(content)):
        if end > len(content):
            return []
        if name == b"LIST" and content[start : start + 4] == b"INFO":
            marked = MARK in content[start:end]
        elif name == b"LIST" and content[start : start + 4] == b"movi":
            frames = [(first, last) for kind, first, last in _parts(content, start + 4, end) if kind == FRAME]
    return frames if marked else []


def _parts(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and end of each chunk of a RIFF file: its length stands behind its name, odd ones are padded."""
    while start + 8 <= end:
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        yield content[start : start + 4], start + 8, start + 8 + length
        start += 8 + length + length % 2
