"""One open tar file: any member found by the index and read where it lies.

The file is mapped into memory and not read: a member that was compared with its checksum before is handed out as a
view, so its bytes are touched once, by whoever decodes them. Copies take half as long from mapped memory as by system
calls.
"""

import mmap
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from m5kit.data.tars.index import UNCHECKED, Index, TarError, key_of, open_index

try:
    from isal.isal_zlib import crc32  # the same numbers in a tenth of the time
except ImportError:  # there are no wheels for some platforms
    from zlib import crc32

FIELDS = 4
"""Numbers of 8 bytes in a record of the index: key, offset, size, check."""


class Tar:
    """One open tar file, read at any place.

    A member is compared with its checksum when this object hands it out for the first time: a file that changes on the
    disk is another object (:func:`m5kit.data.tars.members.open_tar`).

    Args:
        path: of the file.

    Raises:
        TarError: it has no usable index.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index: Index = open_index(path)
        # views of plain memory: numpy takes microseconds to hand out one number
        self._keys = keys_of(self.index)
        self._numbers = self.index.view(np.int64).ravel().data
        self._content = _map(path)
        self._sound = bytearray(len(self.index))

    def size(self, name: str) -> int:
        """Bytes of a member.

        Raises:
            TarError: there is no such member.
        """
        return int(self._numbers[FIELDS * self._place(name) + 2])

    def read(self, name: str, checked: bool = True) -> bytes:
        """A copy of the contents of a member; see :meth:`view`."""
        return bytes(self.view(name, checked))

    def view(self, name: str, checked: bool = True) -> memoryview:
        """The contents of a member where they lie.

        Args:
            name: of the member.
            checked: compare them with their checksum, if this has not been done before.

        Raises:
            TarError: there is no such member, or it is damaged.
        """
        place = self._place(name)
        first = FIELDS * place
        _, offset, size, check = self._numbers[first : first + FIELDS]
        if not checked or self._sound[place]:
            return self.view_at(name, offset, size, UNCHECKED)
        found = self.view_at(name, offset, size, check)
        self._sound[place] = True
        return found

    def view_at(self, name: str, offset: int, size: int, check: int) -> memoryview:
        """Bytes at a place, compared with their checksum.

        Raises:
            TarError: the tar file is shorter, or the bytes are others.
        """
        if offset + size > len(self._content):  # a damaged index may say anything
            raise TarError(f"{self.path.name} is cut short before the end of {name}")
        if offset < 0 or size < 0:
            raise TarError(f"the index of {self.path.name} is damaged: {name} begins or ends before the file")
        content = self._content[offset : offset + size]
        if check == UNCHECKED:
            return content
        if crc32(content) != check:
            raise TarError(f"{name} in {self.path.name} is damaged: its checksum is another")
        return content

    def _place(self, name: str) -> int:
        return find_place(self._keys, name, self.path)


def keys_of(index: Index) -> memoryview:
    """The keys of an index, as :func:`find_place` takes them."""
    return np.ascontiguousarray(index["key"]).data


def find_place(keys: Sequence[int] | memoryview, name: str, tar: Path) -> int:
    """Where a member stands in an index.

    Args:
        keys: of all members, sorted.
        name: of the member.
        tar: for messages.

    Raises:
        TarError: there is no such member.
    """
    key = key_of(name)
    place = bisect_left(keys, key)
    if place == len(keys) or keys[place] != key:
        raise TarError(f"{tar.name} holds no {name}")
    return place


def _map(path: Path) -> memoryview:
    with path.open("rb") as file:
        try:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:  # an empty file cannot be mapped
            return memoryview(b"")
