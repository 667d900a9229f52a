"""Checksums of a checkpoint's files: a flipped bit or a cut file is found before anything is loaded."""

import hashlib
from pathlib import Path

from m5kit.errors import CheckpointError
from m5kit.runs.json import read_json, write_json

CHECKSUMS = "checksums.json"


def write_checksums(folder: Path) -> None:
    """Write the digest of every file in a folder beside them."""
    write_json(folder / CHECKSUMS, {path.name: _digest(path) for path in sorted(folder.iterdir())})


def damage(folder: Path) -> str | None:
    """What is wrong with the files of a folder; None if they are as they were written.

    A checkpoint of an earlier version has no checksums; its files are believed.
    """
    if not (folder / CHECKSUMS).exists():
        return None
    try:
        written = read_json(folder / CHECKSUMS)
    except CheckpointError as error:
        return str(error)
    for name, digest in written.items():
        try:
            found = _digest(folder / name)
        except OSError as error:
            return f"{name} cannot be read: {error}"
        if found != digest:
            return f"{name} is not as it was written"
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()
