"""Keys of the cache: digests of an item's content, and of the settings that decide what is made of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PACK = ("ids.npy", "offsets.npy", "features.npy", "boxes.npy")
"""The files of a pack."""

BLOCK = 1 << 20
LONGEST_NAME = 4096
"""Characters; a longer reference is a text, and no file can have such a name."""


def digest_content(source: Any, root: Path) -> str:
    """Digest of what a manifest refers to: the reference itself and, if it names files, the bytes in them.

    Of ``path#ID``, one of many items in a file or a pack, it is size and time of change: reading the whole of it for
    each item would take longer than what the cache saves.

    Example:
        >>> digest_content("a red mug", Path()) == digest_content("a red mug", Path("elsewhere"))
        True
    """
    digest = hashlib.blake2b(json.dumps(source, sort_keys=True, default=str).encode(), digest_size=20)
    for each in source.values() if isinstance(source, Mapping) else [source]:
        if isinstance(each, str) and len(each) < LONGEST_NAME and "\0" not in each:
            _add_file(each, root, digest)
    return digest.hexdigest()


def digest_settings(settings: Iterable[Any]) -> str:
    """Digest of JSON data and of bytes, in order."""
    digest = hashlib.blake2b(digest_size=20)
    for each in settings:
        digest.update(each if isinstance(each, bytes | memoryview) else json.dumps(each, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _add_file(reference: str, root: Path, digest: "hashlib.blake2b") -> None:
    path = root / reference
    try:
        if path.is_file():
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
        elif "#" in reference:
            digest.update(json.dumps(_stamps(root / reference.partition("#")[0])).encode())
    except OSError:  # a text too long for a file's name, or a file that decoding will complain about
        digest.update(b"unreadable")


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of those of a pack; a text with ``#`` in it names neither."""
    stamps = []
    for file in (path, *(path / name for name in PACK)):
        if file.is_file():
            status = file.stat()
            stamps.append((file.name, status.st_size, status.st_mtime_ns))
    return stamps
