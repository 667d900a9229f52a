"""What a plugin is, told by the content of its files: an editable install changes under one version."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

from m5kit.plugins.parts import PluginPart

WHOLE = 1 << 26
"""Bytes up to which a file counts as a whole: 64 MiB are read in less than a tenth of a second."""
END = 1 << 20
"""Bytes that count at both ends of a longer file, as of a checkpoint in a package."""
COMPILED = (".pyc", ".pyo")


def digest_of(part: PluginPart) -> str | None:
    """Sixteen digits of the SHA-256 of all files in the part's package; None if they cannot be found.

    Nothing is imported.
    """
    package = (part.module or "").partition(".")[0]
    return code_of(package) if package else None


@cache
def code_of(package: str) -> str | None:
    """Sixteen digits of the SHA-256 of all files of a package, data too; None if they cannot be found."""
    files = list(_files(package))
    return digest_of_files(files) if files else None


def digest_of_files(files: Iterable[tuple[str, Path]]) -> str:
    """Sixteen digits of the SHA-256 of files by their names; of one above ``WHOLE`` bytes its size and its ends count.

    Args:
        files: name and place of each; a file that cannot be read counts as such.
    """
    found = hashlib.sha256()
    for name, path in files:
        # no file's name holds a zero, so that none can be taken for a digest
        found.update(f"{name}\0{_digest_now(path)}\0".encode(errors="surrogateescape"))
    return found.hexdigest()[:16]


def _digest_now(path: Path) -> str:
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        return type(error).__name__


@lru_cache(maxsize=4096)
def _digest(path: Path, size: int, _changed: int) -> str:
    """SHA-256 of one file's content; remembered, because every variant of a sweep asks for it."""
    with path.open("rb") as file:
        if size <= WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        found = hashlib.sha256(f"{size}\0".encode() + file.read(END))
        file.seek(-END, os.SEEK_END)
        found.update(file.read(END))
    return found.hexdigest()


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """The files of a package by their place in it, in an order that does not depend on the machine."""
    try:
        spec = find_spec(package)  # of a name without dots: nothing is imported to find it
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    folders = spec.submodule_search_locations
    if folders is None and spec.origin is not None and Path(spec.origin).is_file():
        yield Path(spec.origin).name, Path(spec.origin)
    for folder in sorted(folders or ()):
        for path in sorted(Path(folder).rglob("*")):
            name = path.relative_to(folder)
            if counts(name) and path.is_file():
                yield name.as_posix(), path


def counts(name: Path) -> bool:
    """Whether a file below a folder is part of what lies there: nothing hidden, nothing that Python compiled."""
    own = not any(part.startswith(".") or part == "__pycache__" for part in name.parts)
    return own and name.suffix not in COMPILED
