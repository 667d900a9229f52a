"""Checksums of a checkpoint's files: a flipped bit or a cut file is found before anything is loaded."""

import hashlib
from collections.abc import Container
from pathlib import Path

from m5kit.errors import CheckpointError
from m5kit.runs.json import read_json, write_json

CHECKSUMS = "checksums.json"


def write_checksums(folder: Path) -> None:
    """Write the digest of every file in a folder beside them."""
    write_json(folder / CHECKSUMS, {path.name: _digest(path) for path in sorted(folder.iterdir())})


def altered(folder: Path, unread: Container[str] = ()) -> str | None:
    """What differs from the files that were written; None if nothing does.

    A checkpoint of an earlier version has no checksums; its files are believed.

    Args:
        folder: of the checkpoint.
        unread: files that nobody is going to read.
    """
    if not (folder / CHECKSUMS).exists():
        return None
    try:
        written = read_json(folder / CHECKSUMS)
    except CheckpointError as error:
        return str(error)
    if not isinstance(written, dict) or not written:
        return f"{CHECKSUMS} lists no files"
    for name, digest in written.items():
        if name in unread:
            continue
        path = folder / name
        try:
            # a name with a folder in it, a pipe or a device would have other things read than the checkpoint's
            if Path(name).name != name or not path.is_file():
                return f"{name} is missing"
            found = _digest(path)
        except (OSError, ValueError) as error:  # also for a name that no file can have
            return f"{name} cannot be read: {error}"
        if found != digest:
            return f"{name} is not as it was written"
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
