"""Recognises media that a table holds as bytes."""

import re
from pathlib import PurePath
from typing import Any

from m5kit.data.importers.reading import Blob
from m5kit.data.json_values import as_object

SIGNATURES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n": ".png",
    b"GIF8": ".gif",
    b"fLaC": ".flac",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"\xff\xfb": ".mp3",
    b"\xff\xf3": ".mp3",
    b"\x1aE\xdf\xa3": ".webm",
    b"\x93NUMPY": ".npy",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"BM": ".bmp",
}
RIFF = {b"WEBP": ".webp", b"WAVE": ".wav", b"AVI ": ".avi"}

UNKNOWN = ".bin"
LONGEST_SUFFIX = 40
"""Characters."""


def unpacked(value: Any) -> Any:
    """A value of a table; bytes, alone or as ``{bytes, path}``, become a Blob, and ``{None, path}`` the path.

    Raises:
        ValueError: a map has a key twice.
    """
    if isinstance(value, bytes):
        return Blob(value, suffix_of(value))
    if isinstance(value, dict) and set(value) == {"bytes", "path"} and _is_media(value["bytes"], value["path"]):
        data, path = value["bytes"], value["path"]
        return path if data is None else Blob(data, safe_suffix(PurePath(path or "").suffix) or suffix_of(data))
    if isinstance(value, list) and value:
        if all(isinstance(pair, tuple) for pair in value):
            return as_object(value)  # how pyarrow gives a map
        return list(map(unpacked, value))  # several pictures of one item
    return value


def _is_media(data: object, path: object) -> bool:
    return isinstance(data, bytes | None) and isinstance(path, str | None)


def safe_suffix(suffix: str) -> str:
    """A suffix that a file can have on any system: a name inside an archive may hold anything.

    Example:
        >>> safe_suffix(".jpg"), safe_suffix(".j/p g")
        ('.jpg', '.j_p_g')
    """
    return re.sub(r"[^\w.-]", "_", suffix)[:LONGEST_SUFFIX]


def suffix_of(data: bytes) -> str:
    """The file suffix that goes with the first bytes; ``.bin`` if they are unknown.

    Example:
        >>> suffix_of(b"RIFF....WAVEfmt "), suffix_of(b"?")
        ('.wav', '.bin')
    """
    if data[:4] == b"RIFF":
        return RIFF.get(data[8:12], UNKNOWN)
    if data[4:8] == b"ftyp":
        return ".mp4"
    return next((suffix for start, suffix in SIGNATURES.items() if data.startswith(start)), UNKNOWN)
