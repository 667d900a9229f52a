"""The index of a tar file: where the contents of each member begin, how long they are, and their checksum.

An index is one numpy array on disk, sorted by a hash of the members' names and mapped into memory: opening it costs
nothing however many members there are, and processes on one machine share its pages.
"""

import os
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from m5kit.data.aside import written_aside
from m5kit.data.json_values import whole_text
from m5kit.data.remote.copies import bring
from m5kit.data.tars.strict import StrictMember, members_to_the_end
from m5kit.permissions import state_folder

Index: TypeAlias = NDArray[np.void]
"""Records of :data:`RECORD`, sorted by ``key``."""

Entry = tuple[str, int, int, int]
"""Name of a member, offset and length of its contents in bytes, and their checksum or :data:`UNCHECKED`."""

RECORD = np.dtype([("key", "<u8"), ("offset", "<u8"), ("size", "<u8"), ("check", "<i8")])
AGAIN = "members of a name that came before, of which the last counts"
NO_FILES = "members that are no files (links, devices)"

UNCHECKED = -1
"""In place of a CRC-32, in the index of a tar file that m5kit did not write."""


class TarError(ValueError):
    """What is wrong with a tar file, its index or a member, in a sentence of our own."""


def index_path(tar: Path) -> Path:
    """Where the index of a tar file lies: beside it."""
    return tar.with_suffix(".index.npy")


def make_index(entries: Iterable[Entry]) -> Index:
    """The index of these members.

    Raises:
        TarError: two of them have one name.
    """
    rows = [(key_of(name), offset, size, check) for name, offset, size, check in entries]
    index = np.array(rows, RECORD)
    index.sort(order="key")
    if (index["key"][1:] == index["key"][:-1]).any():
        raise TarError("two members have the same name")
    return index


def open_index(tar: Path) -> Index:
    """The index of a tar file: the one beside it, or one that is made by reading all headers once and then kept.

    Raises:
        TarError: neither is usable.
        OSError: the tar file cannot be read.
    """
    beside = index_path(tar)
    bring(str(beside))
    if beside.is_file():
        return load_index(beside)
    kept = _kept_path(tar)
    if kept.is_file():
        with suppress(TarError):  # a damaged one of our own is made again
            return load_index(kept)
    save_index(kept, make_index(scan(tar)))
    return load_index(kept)


def load_index(path: Path) -> Index:
    """Map an index into memory.

    Raises:
        TarError: the file is none.
    """
    try:
        index: Index = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy reads the header as Python, and raises what its tokenizer raises
        raise TarError(f"its index {path.name} is damaged; run m5kit data verify") from error
    if index.dtype != RECORD or index.ndim != 1:
        raise TarError(f"{path.name} is no index of a tar file")
    return index


def save_index(path: Path, index: Index) -> None:
    """Write an index aside and rename it, so that nobody ever reads half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside, aside.open("wb") as file:
        np.save(file, index)


def key_of(name: str) -> int:
    """The number under which an index keeps a member.

    Example:
        >>> key_of("a1.json") == key_of("a1.json") != key_of("a2.json")
        True
    """
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little")


def scan(tar: Path, left_out: Callable[[str, object], None] = lambda reason, name: None) -> list[Entry]:
    """Every regular file in a tar file, from the headers alone; of two with one name the last one, as tar unpacks.

    Args:
        tar: the file.
        left_out: is told a reason and a name of what is in it and cannot be read.

    Raises:
        TarError: it is compressed, damaged, cut short, several that were joined, or no tar file.
    """
    found: dict[str, Entry] = {}
    try:
        with tarfile.open(tar, "r:", tarinfo=StrictMember) as archive:
            for member in members_to_the_end(archive):
                if member.isdir():
                    continue
                name = os.path.normpath(member.name)  # as a path through the tar file is written
                reason = _unfit(member, name)
                if reason is not None:
                    left_out(reason, name.encode("utf-8", "replace").decode())
                    continue
                if name in found:
                    left_out(AGAIN, name)
                found[name] = (name, member.offset_data, member.size, UNCHECKED)
    except (tarfile.TarError, ValueError, ArithmeticError, LookupError) as error:  # headers may hold any text
        why = "compressed ones cannot be read in any order"
        raise TarError(f"{tar.name} is no plain tar file ({error}); {why}") from error
    return list(found.values())


def _unfit(member: tarfile.TarInfo, name: str) -> str | None:
    """Why a member is no file that a path can name; None if it is one."""
    if member.issparse():  # what lies in the tar file are its pieces
        return "sparse members"
    if not member.isreg():
        return NO_FILES
    if name.startswith(("/", "../")) or name == "..":
        return "members whose name leads out of the tar file"
    if name != whole_text(name) or "\0" in name:  # no manifest can hold it
        return "members whose name is not UTF-8"
    return None


def _kept_path(tar: Path) -> Path:
    """Where the index of a tar file is kept that has none beside it: the folder may not be ours to write to."""
    status = tar.stat()
    # the time of the last change too: who copies a file over another one may keep the time of its contents
    version = f"{os.path.realpath(tar)}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}"
    return state_folder() / "tars" / f"{blake2b(version.encode(), digest_size=16).hexdigest()}.npy"
