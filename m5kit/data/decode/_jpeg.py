"""The library that decodes JPEG, and a look at the head of a file."""

from typing import Any

from m5kit.errors import MissingDependencyError

START = b"\xff\xd8"
SCAN = 0xDA
"""The marker behind which the pixels begin."""

EARLY = "premature end of data segment"
"""Words of libjpeg for a picture whose last blocks are missing; it makes them grey, and an end mark may follow."""

SPEAKING = (0xE1, 0xE2)
"""Markers of segments that may say how to turn a picture (EXIF, XMP), or that there are several in the file (MPF)."""


def is_plain(content: bytes | memoryview) -> bool:
    """Whether a file is a JPEG without metadata on how to show it, so that decoding it is all there is to do."""
    if content[:2] != START:
        return False
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == SCAN:
            return True
        # colour profiles stand in the same kind of segment as several pictures do, and say nothing of the kind
        if marker in SPEAKING and content[place + 4 : place + 15] != b"ICC_PROFILE":
            return False
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return False


def is_early_end(error: ValueError) -> bool:
    """Whether what the library says of a file is that its pixels end before the picture does."""
    return EARLY in str(error)


def ends_early(content: bytes | memoryview, colours: str) -> bool:
    """Whether the pixels of a JPEG end before the picture does; False where the library is not installed."""
    try:
        jpeg_library("").decode_jpeg(content, colours)
    except MissingDependencyError:
        return False
    except ValueError as error:
        return is_early_end(error)
    return False


def jpeg_library(needed_by: str) -> Any:
    """simplejpeg, imported where it is used.

    Raises:
        MissingDependencyError: it is not installed; ``needed_by`` says what needs it.
    """
    try:
        import simplejpeg
    except ImportError as error:
        raise MissingDependencyError("simplejpeg", needed_by, "simplejpeg", error) from error
    return simplejpeg
