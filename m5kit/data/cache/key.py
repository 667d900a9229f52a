"""Keys of the cache: digests of an item's content, and of the settings that decide what is made of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from m5kit.data.files import UNBOUNDED, find_file
from m5kit.errors import DecodeError

PACK = ("ids.npy", "offsets.npy", "features.npy", "boxes.npy")
"""The files of a pack."""

BLOCK = 1 << 20
LONGEST_NAME = 4096
"""Characters; a longer reference is a text, and no file can have such a name."""


def digest_content(source: Any, root: Path, follow_links: bool = False) -> str:
    """Digest of what a manifest refers to: the reference itself and, if it names files, the bytes in them.

    Of ``path#ID``, one of many items in a file or a pack, it is size and time of change: reading the whole of it for
    each item would take longer than what the cache saves.

    Args:
        source: of one item.
        root: folder that paths are relative to.
        follow_links: also read files behind links out of ``root``, as the item's decoder does.

    Example:
        >>> digest_content("a red mug", Path()) == digest_content("a red mug", Path("elsewhere"))
        True
    """
    digest = hashlib.blake2b(json.dumps(source, sort_keys=True, default=str).encode(), digest_size=20)
    for each in source.values() if isinstance(source, Mapping) else [source]:
        if isinstance(each, str) and len(each) < LONGEST_NAME and "\0" not in each:
            _add_file(each, root, follow_links, digest)
    return digest.hexdigest()


def digest_settings(settings: Iterable[Any]) -> str:
    """Digest of JSON data and of bytes, in order."""
    digest = hashlib.blake2b(digest_size=20)
    for each in settings:
        digest.update(each if isinstance(each, bytes | memoryview) else json.dumps(each, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _add_file(reference: str, root: Path, follow_links: bool, digest: "hashlib.blake2b") -> None:
    try:
        path = find_file(reference, root, UNBOUNDED, follow_links)
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError:
        digest.update(b"unreadable")
    except DecodeError:  # a text, one of many items, or a file that decoding will complain about
        if "#" in reference:
            digest.update(json.dumps(_stamps(reference.partition("#")[0], root, follow_links)).encode())


def _stamps(reference: str, root: Path, follow_links: bool) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of those of a pack; a text with ``#`` in it names neither."""
    stamps = []
    for name in (reference, *(f"{reference}/{name}" for name in PACK)):
        with suppress(DecodeError, OSError):
            file = find_file(name, root, UNBOUNDED, follow_links)
            status = file.stat()
            stamps.append((file.name, status.st_size, status.st_mtime_ns))
    return stamps
