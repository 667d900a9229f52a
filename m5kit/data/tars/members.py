"""Hands out the members of tar files as files: ``shop/000003.tar/a1.image.jpg`` is a path like any other.

Decoders, and the libraries under them, open files by path. So a member is copied into a temporary file that lives as
long as its path does: what is decoded is the same, bit for bit, as from a loose file.
"""

import os
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PosixPath

from m5kit.data.remote.copies import bring, mirror_of
from m5kit.data.tars.index import index_path, load_index
from m5kit.data.tars.tar import Tar, find_place, keys_of

SUFFIX = ".tar"
OPEN = 64
"""Tar files that a process keeps open."""


TRIES = 3
"""How often a tar file is fetched that makes room for others before this process has opened it."""


class MemberFile(PosixPath):
    """The path of a temporary copy of a member; the copy is removed with the last reference to the path."""


def split_path(path: str) -> tuple[Path, str] | None:
    """The tar file and the member that a path names; None if no part of it is a tar file.

    Example:
        >>> split_path("pictures/a.jpg") is None
        True
    """
    start = path.find(SUFFIX + os.sep)
    while start >= 0:
        end = start + len(SUFFIX)
        if os.path.isfile(path[:end]) or _is_elsewhere(path[:end]):  # a folder may be called so too
            return Path(path[:end]), path[end + 1 :]
        start = path.find(SUFFIX + os.sep, end)
    return None


def _is_elsewhere(tar: str) -> bool:
    """Whether a tar file lies behind a URL and is not here yet. Its index tells, which is small."""
    mirror = mirror_of(tar)
    return mirror is not None and (mirror.bring(str(index_path(Path(tar)))) or mirror.bring(tar))


def member_size(path: Path, name: str) -> int:
    """Bytes of a member; of a tar file behind a URL only the index is fetched.

    Raises:
        TarError: there is no such member, or no usable index.
        OSError: the tar file cannot be opened.
    """
    beside = index_path(path)
    if mirror_of(str(path)) is None or not beside.is_file():
        return open_tar(path).size(name)
    index = load_index(beside)
    return int(index["size"][find_place(keys_of(index), name, path)])


@dataclass(frozen=True, slots=True)
class _Opened:
    """A tar file that this process has open.

    Attributes:
        tar: the file.
        size: in bytes, when it was opened.
        changed: times of the last change of its contents and of itself then, in nanoseconds.
        mirrored: whether it is a copy of a file elsewhere.
    """

    tar: Tar
    size: int
    changed: tuple[int, int]
    mirrored: bool


_open: dict[str, _Opened] = {}
"""By path, in the order in which they were opened."""


def open_tar(path: Path) -> Tar:
    """A tar file that this process may have open already, in its present state.

    Raises:
        TarError: it has no usable index.
        OSError: it cannot be opened.
    """
    known = _open.get(str(path))
    if known is not None:
        with suppress(FileNotFoundError):
            status = os.stat(path)
            if status.st_size == known.size and _times(status) == known.changed:
                if known.mirrored:
                    bring(str(path))  # which notes that it is in use
                return known.tar
    return _open_anew(path)


def _times(status: os.stat_result) -> tuple[int, int]:
    # the second one too: who copies a file over another one may keep the time of its contents
    return status.st_mtime_ns, status.st_ctime_ns


def forget_open_tars() -> None:
    """Close the tar files of this process that nobody reads."""
    _open.clear()


def _open_anew(path: Path) -> Tar:
    mirrored = mirror_of(str(path)) is not None
    for left in reversed(range(TRIES)):
        bring(str(path))
        try:
            status = path.stat()
            opened = _Opened(Tar(path), status.st_size, _times(status), mirrored)
            break
        except FileNotFoundError:
            if not (mirrored and left):
                raise
    _close_some()
    _open[str(path)] = opened
    return opened.tar


def _close_some() -> None:
    """Make room for one more tar file: those that were removed to make room on the disk, then the oldest."""
    for path in list(_open):
        if len(_open) >= OPEN or not os.path.exists(path):
            _open.pop(path, None)  # another thread may have done so


def copy_out(tar: Tar, name: str) -> MemberFile:
    """A temporary copy of a member; its name ends as the member's does, for libraries that look at that.

    Raises:
        TarError: there is no such member, or it is damaged.
        OSError: there is no room for the copy.
    """
    content = tar.view(name)
    number, path = tempfile.mkstemp(prefix="m5kit-", suffix=os.path.splitext(name)[1])
    copy = MemberFile(path)
    weakref.finalize(copy, _remove, path)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    return copy


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
