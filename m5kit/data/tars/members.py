"""Hands out the members of tar files as files: ``shop/000003.tar/a1.image.jpg`` is a path like any other.

Decoders, and the libraries under them, open files by path. So a member is copied into a temporary file that lives as
long as its path does: what is decoded is the same, bit for bit, as from a loose file.
"""

import os
import tempfile
import weakref
import zlib
from pathlib import Path, PosixPath

import numpy as np
from numpy.typing import NDArray

from m5kit.data.remote.mirror import bring, mirror_of
from m5kit.data.tars.index import UNCHECKED, Index, TarError, index_path, key_of, load_index, open_index

SUFFIX = ".tar"
OPEN = 64
"""Tar files that a process keeps open."""


TRIES = 3
"""How often a tar file is fetched that makes room for others before this process has opened it."""


class MemberFile(PosixPath):
    """The path of a temporary copy of a member; the copy is removed with the last reference to the path."""


class Tar:
    """One open tar file, read at any place.

    Args:
        path: of the file.

    Raises:
        TarError: it has no usable index.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # a plain view of the mapped memory: numpy's class for it is slow to index
        self.index: Index = open_index(path).view(np.ndarray)
        # of their own: numpy would copy a column of records at every search
        self._keys = np.ascontiguousarray(self.index["key"])
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)
        self._length = os.fstat(self._file).st_size

    @property
    def is_removed(self) -> bool:
        """Whether the file has no name any more, so that only this process keeps its bytes on the disk."""
        return os.fstat(self._file).st_nlink == 0

    def size(self, name: str) -> int:
        """Bytes of a member.

        Raises:
            TarError: there is no such member.
        """
        return int(self.index["size"][self._place(name)])

    def read(self, name: str, checked: bool = True) -> bytes:
        """The contents of a member.

        Args:
            name: of the member.
            checked: compare them with their checksum, which takes longer than to read them.

        Raises:
            TarError: there is no such member, or it is damaged.
        """
        _, offset, size, check = self.index[self._place(name)].tolist()
        return self.read_at(name, offset, size, check if checked else UNCHECKED)

    def read_at(self, name: str, offset: int, size: int, check: int) -> bytes:
        """Bytes at a place, compared with their checksum.

        Raises:
            TarError: the tar file is shorter, or the bytes are others.
        """
        # before any memory is asked for: a damaged index may say anything
        if offset + size > self._length:
            raise TarError(f"{self.path.name} is cut short before the end of {name}")
        # pread has no position of its own: processes that inherited this file do not disturb each other
        content = os.pread(self._file, size, offset)
        if check != UNCHECKED and zlib.crc32(content) != check:
            raise TarError(f"{name} in {self.path.name} is damaged: its checksum is another")
        return content

    def _place(self, name: str) -> int:
        return find_place(self._keys, name, self.path)


def find_place(keys: NDArray[np.uint64], name: str, tar: Path) -> int:
    """Where a member stands in an index.

    Args:
        keys: of all members, sorted.
        name: of the member.
        tar: for messages.

    Raises:
        TarError: there is no such member.
    """
    key = np.uint64(key_of(name))  # a Python number would turn the keys into floats
    place = int(keys.searchsorted(key))
    if place == len(keys) or keys[place] != key:
        raise TarError(f"{tar.name} holds no {name}")
    return place


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
    return int(index["size"][find_place(index["key"], name, path)])


def open_tar(path: Path) -> Tar:
    """A tar file that this process may have open already, in its present state.

    Raises:
        TarError: it has no usable index.
        OSError: it cannot be opened.
    """
    for _ in range(TRIES):
        bring(str(path))
        try:
            return _open_present(path)
        except FileNotFoundError:
            if mirror_of(str(path)) is None:
                raise
    return _open_present(path)


def _open_present(path: Path) -> Tar:
    status = path.stat()
    state = (status.st_size, status.st_mtime_ns)
    known = _open.get(path)
    if known is None or known[0] != state:
        _close_some()
        known = _open[path] = (state, Tar(path))
    return known[1]


def _close_some() -> None:
    """Make room for one more tar file: those that were removed to make room on the disk, then the oldest."""
    for path, (_, tar) in list(_open.items()):
        if tar.is_removed or len(_open) >= OPEN:
            _open.pop(path, None)  # another thread may have done so


def copy_out(tar: Tar, name: str) -> MemberFile:
    """A temporary copy of a member; its name ends as the member's does, for libraries that look at that.

    Raises:
        TarError: there is no such member, or it is damaged.
        OSError: there is no room for the copy.
    """
    content = tar.read(name)
    number, path = tempfile.mkstemp(prefix="m5kit-", suffix=os.path.splitext(name)[1])
    copy = MemberFile(path)
    weakref.finalize(copy, _remove, path)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    return copy


def _remove(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)


_open: dict[Path, tuple[tuple[int, int], Tar]] = {}
"""Tar files that this process has open, in the order in which they were opened, with size and time of change."""
