"""Tells a reader that its index is gone, or that another was built in its place, before it mixes up both."""

import uuid
from pathlib import Path

from m5kit.errors import DataError

MARK = ".made"
"""File of an index that names the build; an index of an earlier version has none."""


def set_mark(place: str) -> str:
    """Give an index that begins a name of its own; an object store has no file for it."""
    if "://" in place:
        return ""
    name = uuid.uuid4().hex
    Path(place).mkdir(parents=True, exist_ok=True)
    Path(place, MARK).write_text(name, encoding="utf-8")
    return name


def read_mark(place: str) -> str:
    """The name of the build; empty where there is none."""
    try:
        return Path(place, MARK).read_bytes().decode("utf-8", "replace")
    except (OSError, ValueError):  # none was written, or the place is no path
        return ""


def require_mark(place: str, name: str) -> None:
    """See that the index is still the one that was opened: vectors of two runs must not be compared.

    Raises:
        DataError: it is gone, or another one is there.
    """
    if "://" in place:
        return
    if not Path(place).is_dir():
        raise DataError(f"the index {place} is gone since it was opened; bring it back, or open another")
    if read_mark(place) != name:
        raise DataError(f"another index was built in {place} since it was opened; open it again, or start again")
