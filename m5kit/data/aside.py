"""Writes files that are there as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Add the place to an error of the system: that of a disk which is full halfway through a file names none."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


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
