"""Finds links out of a data folder, and remembers which ``m5kit data import`` made: no other one is followed.

What an archive from elsewhere brings cannot be told from a link that its owner made, unless it is written down outside
of the data folder. The list is a user's own and belongs to one machine.
"""

import fcntl
import json
import os
from functools import lru_cache
from pathlib import Path

from m5kit.data.aside import written_aside
from m5kit.errors import DataError
from m5kit.permissions import STATE, state_folder

FILE = "links.json"


def remember_link(folder: Path, target: Path) -> None:
    """Write down that files of ``target`` may be read through links in ``folder``."""
    place, leads_to = os.path.realpath(folder), os.path.realpath(target)
    if leads_to in _known().get(place, ()):
        return
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # what another import wrote meanwhile must not be lost
            _add(path, place, leads_to)
    except OSError as error:
        raise DataError(
            f"cannot note in {path} that {folder} links to {target}: {(error.strerror or str(error)).lower()}; name a "
            f"folder that you may write with the environment variable {STATE}, or copy the files with --copy"
        ) from error


def _add(path: Path, place: str, leads_to: str) -> None:
    known = {name: list(targets) for name, targets in _known().items()}
    known.setdefault(place, []).append(leads_to)
    with written_aside(path) as aside:
        # in ASCII: the name of a folder need not be UTF-8
        aside.write_text(json.dumps(known, indent=1), encoding="ascii")


def is_own_link(folder: str, path: str) -> bool:
    """Whether an importer linked a folder that holds ``path`` into ``folder``; both without links."""
    targets = _known().get(folder, ())
    return any(path == target or path.startswith(f"{target}{os.sep}") for target in targets)


def has_link(path: str, base: str) -> bool:
    """Whether ``path`` or a folder between it and ``base``, which it lies below, is a link."""
    while len(path) > len(base):
        if os.path.islink(path):
            return True
        path = os.path.dirname(path)
    return False


def link_leads_out(path: str | Path, root: str | Path) -> bool:
    """Whether ``path`` lies outside of ``root`` once links are followed, links of our own importers left aside."""
    real, base = os.path.realpath(path), os.path.realpath(root)
    return not is_below(real, base) and not is_own_link(base, real)


def is_below(path: str, folder: str) -> bool:
    """Whether an absolute path is ``folder`` or in it; ``/data-2`` is not below ``/data``."""
    return os.path.commonpath([folder, path]) == folder


def _known() -> dict[str, list[str]]:
    path = _path()
    try:
        status = path.stat()
        return _read(path, status.st_mtime_ns, status.st_ino)  # two changes may come within one tick of the clock
    except OSError:
        return {}


@lru_cache(1)
def _read(path: Path, changed: int, number: int) -> dict[str, list[str]]:
    """The list in this very state of the file: it is asked for at every file behind a link."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))  # our own file; names that are no UTF-8 stay whole
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _path() -> Path:
    return state_folder() / FILE
