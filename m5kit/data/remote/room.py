"""Keeps what was copied from elsewhere below a limit: what was used longest ago makes room."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from m5kit.data.json_values import parse_json
from m5kit.data.remote.trying import RemoteError
from m5kit.errors import DataError, UsageError

FOLDER, LIMIT = "M5KIT_REMOTE", "M5KIT_REMOTE_GB"
"""Environment variables: the folder of copies, and how many gigabytes they may take."""

MARKER = ".remote.json"
"""In a folder that mirrors another: which one, and the versions of the files that describe its data."""

INDEX = ".index.npy"
"""The ending of the index beside a tar file."""

PART = ".part"
"""The ending of a file that is being written; before it stand the bytes that it will have."""

COUNTER = ".room"
"""In the folder of copies: the limit, and what all processes together have left of it."""

DEFAULT_GB = 50.0
YOUNG = 20.0
"""Seconds for which a file that a decoder may be about to open stays."""

LEFT = 3600.0
"""Seconds after which nobody is writing to a file any more: a server that sends nothing is given up sooner."""

IDLE = 24 * 3600.0
"""Seconds after which a mirror is in use no more."""

NOTED = 10.0
"""Seconds between two notes that a file is in use."""

SPARE = 2**28
"""Bytes of the disk that are left to others."""


def copies_folder() -> Path:
    """The folder of copies, which need not be there yet."""
    return _expanded(os.environ.get(FOLDER) or "~/.cache/m5kit/remote")


@lru_cache(4)
def _expanded(folder: str) -> Path:
    return Path(folder).expanduser()  # asked for at every file


def limit_in_bytes() -> int:
    """How much the copies may take together.

    Raises:
        ConfigError: the environment says something that is no number over 0.
    """
    given = os.environ.get(LIMIT) or str(DEFAULT_GB)
    try:
        limit = int(float(given) * 1e9)
    except ValueError:
        limit = 0
    if limit <= 0:
        raise UsageError([f"{LIMIT}: expected a number of gigabytes over 0, got {given!r}"])
    return limit


class Room:
    """The space below the limit, of all processes of this machine together."""

    def __init__(self) -> None:
        self._noted: dict[str, float] = {}

    def make(self, name: str, size: int, evictable: str) -> None:
        """See that a file fits, and count it.

        Args:
            name: of the file, for messages.
            size: of the file, in bytes.
            evictable: the ending of files that may be removed at any moment, as whoever reads them holds them open.

        Raises:
            DataError: it is larger than all copies may be.
            RemoteError: there is no room, and none can be made.
        """
        limit = limit_in_bytes()
        if size > limit:
            raise DataError(f"{name} has {size / 1e9:.3g} GB, and {LIMIT} allows {limit / 1e9:g} for all copies")
        with _counter() as counter:
            left = _read_left(counter, limit)
            if size > left:
                left = _clear(name, size, limit, evictable)
            counter.seek(0)
            counter.truncate()
            counter.write(f"{limit} {left - size}")

    def most(self) -> int:
        """Bytes that a file may have whose size is not known before it is here."""
        return min(limit_in_bytes(), max(_free(), 0))

    def note_use(self, path: str) -> None:
        """Write down, in the time of the last access, that a file is in use."""
        now = time.time()
        if now - self._noted.get(path, 0.0) > NOTED:
            self._noted[path] = now
            try:
                os.utime(path, ns=(int(now * 1e9), os.stat(path).st_mtime_ns))
            except FileNotFoundError:  # another process made room just now
                self._noted.pop(path)


@dataclass(frozen=True, slots=True, order=True)
class _Copy:
    """A file in the folder of copies.

    Attributes:
        used: when, in seconds.
        size: in bytes.
        path: of the file.
        kept: whether it is needed as long as its mirror is in use.
    """

    used: float
    size: int
    path: str
    kept: bool


@contextmanager
def _counter() -> Iterator[IO[str]]:
    """The file that counts, of this process alone."""
    path = copies_folder() / COUNTER
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        yield counter


def _read_left(counter: IO[str], limit: int) -> int:
    """Bytes left; 0 if nobody has counted for this limit, or the file is damaged, so that one looks."""
    counter.seek(0)
    try:
        counted, left = map(int, counter.read(100).split())
    except ValueError:
        return 0
    return left if counted == limit else 0


def _free() -> int:
    copies_folder().mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(copies_folder()).free - SPARE


def _clear(name: str, size: int, limit: int, evictable: str) -> int:
    """Remove files, the one used longest ago first, until one of ``size`` bytes fits; the bytes that are left then.

    Raises:
        RemoteError: it does not fit all the same.
    """
    deadline = time.monotonic() + 2 * YOUNG
    while True:
        copies = sorted(_copies(copies_folder()))
        total = sum(copy.size for copy in copies)
        allowed = min(limit, total + _free())
        # some room more than asked for, so that not every small file has all of them looked through again
        total = _remove_oldest(copies, total, allowed - max(size, min(limit // 100, 1000 * size)), evictable)
        if total + size <= allowed:
            return allowed - total
        if time.monotonic() > deadline or all(copy.kept for copy in copies):
            raise RemoteError(
                f"no room for {name} ({size:,} bytes) among the copies in {copies_folder()}: they take {total:,} of "
                f"{allowed:,} bytes, and all are in use; free some of the disk, or raise {LIMIT}"
            )
        time.sleep(1.0)  # files that were used just now are of no use to anybody soon


def _remove_oldest(copies: Sequence[_Copy], total: int, most: int, evictable: str) -> int:
    """Remove copies until the rest takes at most ``most`` bytes; what it takes then."""
    before = time.time() - YOUNG
    for copy in copies:
        if total <= most:
            break
        if not copy.kept and (copy.used < before or copy.path.endswith(evictable)):
            Path(copy.path).unlink(missing_ok=True)
            total -= copy.size
    return total


def _copies(folder: Path) -> Iterator[_Copy]:
    """Every file in the folder of copies; what a killed process left half-written is removed."""
    for mirror in folder.glob("*/*/"):
        described = _described(mirror)
        for place, _, names in os.walk(mirror):
            for name in names:
                path = os.path.join(place, name)
                try:
                    status = os.stat(path)
                    if name.endswith(PART) and status.st_mtime < time.time() - LEFT:
                        os.unlink(path)
                        continue
                except FileNotFoundError:  # another process made room just now
                    continue
                size = max(status.st_size, _announced(name))
                kept = name.startswith(".") or path in described or (bool(described) and name.endswith(INDEX))
                yield _Copy(status.st_atime, size, path, kept)


def _announced(name: str) -> int:
    """The bytes that a file that is being written will have; 0 for any other."""
    number = name.removesuffix(PART).rpartition(".")[2]
    return int(number) if name.endswith(PART) and number.isdecimal() else 0


def _described(mirror: Path) -> frozenset[str]:
    """The files that describe the data of a mirror; none if nobody has used it for long."""
    marker = mirror / MARKER
    try:
        if os.stat(marker).st_atime < time.time() - IDLE:
            return frozenset()
        return frozenset(str(mirror / name) for name in read_marker(mirror)["versions"])
    except OSError:
        return frozenset()


def read_marker(mirror: Path) -> Any:
    """What is written in the marker of a mirror; as for a new one if it is missing or damaged."""
    try:
        about = parse_json((mirror / MARKER).read_text(encoding="utf-8"))
        if isinstance(about["url"], str) and isinstance(about["versions"], dict):
            return about
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return {"url": "", "versions": {}}
