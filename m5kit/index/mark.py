"""What lies at the place of an index: tells that it is gone, that it is another one now, or no index at all."""

import uuid
from collections.abc import Collection
from pathlib import Path

from m5kit.errors import DataError, IndexUnavailableError

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


def require_there(place: str) -> None:
    """See that there is still a folder; an object store is not asked.

    Raises:
        IndexUnavailableError: it is gone.
    """
    if "://" not in place and not Path(place).is_dir():
        raise IndexUnavailableError(f"the index {place} is gone since it was opened; bring it back, or open another")


def require_mark(place: str, name: str) -> None:
    """See that the index is still the one that was opened: vectors of two runs must not be compared.

    Raises:
        IndexUnavailableError: it is gone, or another one is there.
    """
    if "://" in place:
        return
    require_there(place)
    if read_mark(place) != name:
        raise IndexUnavailableError(
            f"another index was built in {place} since it was opened; open it again, or start again"
        )


def require_own_folder(place: str, tables: Collection[str]) -> None:
    """Keep the files of an index out of a folder that is something else, such as that of the items.

    Args:
        place: a folder, or where one will be.
        tables: names of which an index has one at least.

    Raises:
        DataError: it holds other files.
    """
    folder = Path(place)
    there = {path.name for path in folder.iterdir() if path.name[0] != "."} if folder.is_dir() else set()
    if there and there.isdisjoint(tables):
        raise DataError(f"{place} holds other files, such as {min(there)}; name a new folder for the index")
