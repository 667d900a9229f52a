"""Writes files that are there as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Name the place in an error of the system, where that names none or what is written aside for it.

    The error of a disk that is full halfway through a file names none; a file aside is one that no user has ever seen.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or _is_aside(str(error.filename), Path(path)):
            error.filename, error.filename2 = str(path), None
        raise


def _is_aside(file: str, path: Path) -> bool:
    """Whether a file stands, or lies in a folder that stands, beside ``path`` for it until it is whole."""
    if not Path(file).is_relative_to(path.parent) or Path(file) == path.parent:
        return False
    beside = Path(file).relative_to(path.parent).parts[0]
    return beside.startswith(f".{path.name[:32]}.") or (beside.startswith(path.name) and beside.endswith(".part"))


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path beside ``path``: the file that is written there takes its place, or goes if there is an error.

    So nobody reads half of a file, and a full disk leaves none.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
