"""Walks through the folder of a source, and tells what it does not look at."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from m5kit.data.links import is_below, link_leads_out

HIDDEN = "hidden files and folders"
OUTSIDE = "links that lead out of the folder (--follow-links follows them)"
ENDLESS = "links to a folder that holds them"
NOT_UTF8 = "files whose name is not UTF-8"
UNREADABLE = "folders that may not be read"
EMPTY = "empty folders"

LOCK = ".import.lock"
"""Lies in the folder that an import writes, which may be below the one that it reads."""

OWN = (LOCK, ".annotations.")
"""How names of files begin that the import itself is writing."""

LeftOut = Callable[[str, object], None]
"""Is told a reason and a path."""


def walk(
    source: Path, follow_links: bool, left_out: LeftOut, hidden: tuple[str, ...] = (".",)
) -> Iterator[tuple[Path, Sequence[str]]]:
    """Every folder below a source, relative to it, with the names of its files, both in order.

    Args:
        source: the folder.
        follow_links: also what links out of it lead to; links inside of it are always followed.
        left_out: is told what is not looked at.
        hidden: how names of hidden files and folders begin.
    """

    def refuse(error: OSError) -> None:
        # Without this, os.walk passes over the folder as if it were empty.
        left_out(UNREADABLE, _printable(os.path.relpath(str(error.filename), source)))

    for folder, below, names in os.walk(source, onerror=refuse, followlinks=True):
        place = Path(folder).relative_to(source)
        entries = _Entries(source, place, follow_links, left_out, hidden)
        below[:] = sorted(filter(entries.is_folder_to_enter, below))
        files = sorted(filter(entries.is_to_look_at, names))
        if not (below or files) and place.parts:
            left_out(EMPTY, place)
        yield place, files


@dataclass(frozen=True, slots=True)
class _Entries:
    """What is in one folder."""

    source: Path
    place: Path
    follow_links: bool
    left_out: LeftOut
    hidden: tuple[str, ...]

    def is_folder_to_enter(self, name: str) -> bool:
        path = self.source / self.place / name
        if (path / LOCK).exists() or not self.is_to_look_at(name):
            return False
        # A link to a folder above would be walked down for ever.
        if path.is_symlink() and is_below(os.path.realpath(path.parent), os.path.realpath(path)):
            self.left_out(ENDLESS, self.place / name)
            return False
        return True

    def is_to_look_at(self, name: str) -> bool:
        path = self.source / self.place / name
        if name.startswith(OWN):
            return False
        if name.startswith(self.hidden):  # .ipynb_checkpoints, ._1.jpg of macOS
            reason = HIDDEN
        elif not _is_utf8(name):  # no manifest can hold it
            reason = NOT_UTF8
        elif not self.follow_links and path.is_symlink() and link_leads_out(path, self.source):
            reason = OUTSIDE
        else:
            return True
        self.left_out(reason, _printable((self.place / name).as_posix()))
        return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
