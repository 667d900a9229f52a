"""Sees whether a picture has all of its pixels: Pillow fills in those of a file that ends early in good order."""

import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from m5kit.data.decode._jpeg import ends_early
from m5kit.data.files import UnusableFileError

Content = bytes | memoryview

CUT_SHORT = "its pixels end before the picture does; it is cut short"
PIECE = 2**20
"""Bytes of a PNG that are unpacked at a time."""

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers of a pixel, by the kind of colours that a PNG declares."""

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, and steps of columns and rows, of the seven pictures in an interlaced PNG."""

GREY = 128
"""What the blocks of a JPEG are that are not there: 128 or, by rounding, next to it."""

PALETTE, MARK = 769, 0x0C
"""Bytes of the palette at the end of PCX, and the first of them."""

COMPRESSION, JPEG_INSIDE, TABLES = 259, 7, 347
"""Tags of TIFF, and the value of the first for strips that are JPEG files without the tables that they share."""

PIECES = ((273, 279), (324, 325))
"""Tags of TIFF for the places and sizes of strips, and of tiles."""

JPEG_OF_NOTHING = b"\xff\xd8\xff\xd9"


def require_whole(image: Any, content: Content) -> None:
    """Look at the last pixels of a picture that Pillow has loaded, and at the file where these are what is filled in.

    Raises:
        UnusableFileError: the file ends before all pixels were told.
    """
    is_short = CHECKS.get(image.format)
    if is_short is not None and is_short(image, content):
        raise UnusableFileError(CUT_SHORT)


def _is_short_jpeg(image: Any, content: Content) -> bool:
    last = np.atleast_1d(image.getpixel((image.width - 1, image.height - 1)))
    suspect = image.mode == "CMYK" or image.info.get("progressive") or (abs(last - GREY) <= 1).all()
    return bool(suspect) and ends_early(content, "CMYK" if image.mode == "CMYK" else "RGB")


def _is_short_png(image: Any, content: Content) -> bool:
    last = image.crop((0, image.height - 1, image.width, image.height))
    if np.asarray(last).any() and not image.info.get("interlace"):
        return False
    wanted, unpacker, place = _size_of_png(content), zlib.decompressobj(), 8
    while place + 8 <= len(content) and wanted > 0 and not unpacker.eof:
        length, name = int.from_bytes(content[place : place + 4], "big"), content[place + 4 : place + 8]
        packed = content[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        while packed and wanted > 0 and not unpacker.eof:
            wanted -= len(unpacker.decompress(packed, PIECE))
            packed = unpacker.unconsumed_tail
        place += 12 + length
    return wanted > 0


def _size_of_png(content: Content) -> int:
    """Bytes of all rows, each of which begins with the number of its filter."""
    width, height = (int.from_bytes(content[place : place + 4], "big") for place in (16, 20))
    bits = content[24] * SAMPLES.get(content[25], 1)
    passes = PASSES if content[28] else ((0, 0, 1, 1),)
    size = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        size += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
    return size


def _is_short_pcx(image: Any, content: Content) -> bool:
    bits, planes = content[3], content[65]
    return bits == 8 and planes == 1 and (len(content) < PALETTE or content[-PALETTE] != MARK)


def _is_short_tiff(image: Any, content: Content) -> bool:
    """Whether a strip or a tile that is a JPEG ends early; of other kinds Pillow's library tells."""
    tags = image.tag_v2
    if tags.get(COMPRESSION) != JPEG_INSIDE:
        return False
    tables = bytes(tags.get(TABLES, JPEG_OF_NOTHING))[:-2]  # without their end mark; the piece begins in its place
    colours = "CMYK" if image.mode == "CMYK" else "RGB"
    for places, sizes in PIECES:
        for place, size in zip(tags.get(places, ()), tags.get(sizes, ()), strict=False):
            if ends_early(tables + bytes(content[place + 2 : place + size]), colours):
                return True
    return False


CHECKS: Mapping[str, Callable[[Any, Content], bool]] = {
    "JPEG": _is_short_jpeg,
    "MPO": _is_short_jpeg,
    "PNG": _is_short_png,
    "PCX": _is_short_pcx,
    "TIFF": _is_short_tiff,
}
"""By Pillow's name of a format."""
