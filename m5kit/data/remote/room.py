"""Keeps what was copied from elsewhere below a limit: what was used longest ago makes room."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from m5kit.data.json_values import parse_json
from m5kit.errors import ConfigError, DataError

FOLDER, LIMIT = "M5KIT_REMOTE", "M5KIT_REMOTE_GB"
"""Environment variables: the folder of copies, and how many gigabytes they may take."""

MARKER = ".remote.json"
"""In a folder that mirrors another: which one, and the versions of the files that describe its data."""

INDEX = ".index.npy"
"""The ending of the index beside a tar file."""

DEFAULT_GB = 50.0
YOUNG = 60.0
"""Seconds for which a file that a decoder may be about to open stays."""

LEFT = 24 * 3600.0
"""Seconds after which nobody is writing to a file any more."""

NOTED = 10.0
"""Seconds between two notes that a file is in use."""


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
        raise ConfigError([f"{LIMIT}: expected a number of gigabytes over 0, got {given!r}"])
    return limit


@dataclass
class Room:
    """The space that this process believes to be free below the limit.

    The files are looked through again when a fifth of it is used up, as other processes copy files too.

    Attributes:
        left: bytes.
    """

    left: int = 0
    _noted: dict[str, float] = field(default_factory=dict)

    def make(self, name: str, size: int, evictable: str) -> None:
        """See that a file fits.

        Args:
            name: of the file, for messages.
            size: of the file, in bytes.
            evictable: the ending of files that may be removed at any moment, as whoever reads them holds them open.

        Raises:
            DataError: it is larger than all copies may be.
        """
        limit = limit_in_bytes()
        if size > limit:
            raise DataError(f"{name} has {size / 1e9:.3g} GB, and {LIMIT} allows {limit / 1e9:g} for all copies")
        if size > self.left:
            self.left = (limit - _clear(limit - size, evictable)) // 5
            self.left = max(self.left, size)
        self.left -= size

    def note_use(self, path: str) -> None:
        """Write down, in the time of the last access, that a file is in use."""
        now = time.time()
        if now - self._noted.get(path, 0.0) > NOTED:
            self._noted[path] = now
            try:
                os.utime(path, ns=(int(now * 1e9), os.stat(path).st_mtime_ns))
            except FileNotFoundError:  # another process made room just now
                self._noted.pop(path)


def _clear(most: int, evictable: str) -> int:
    """Remove files, the one used longest ago first, until the rest takes at most ``most`` bytes; what it takes then."""
    files = sorted(_files(copies_folder()))
    total = sum(size for _, size, _ in files)
    before = time.time() - YOUNG
    for used, size, path in files:
        if total <= most:
            break
        if used < before or path.endswith(evictable):
            Path(path).unlink(missing_ok=True)
            total -= size
    return total


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Time of last use, bytes and path of every file that may be removed."""
    described: frozenset[str] = frozenset()
    for place, _, names in os.walk(folder):
        if MARKER in names:
            described = _described(Path(place))
        for name in names:
            # small, and needed from the beginning to the end
            if name.endswith(".part"):
                _remove_if_left(os.path.join(place, name))
            if name.startswith(".") or name.endswith(INDEX) or name in described:
                continue
            path = os.path.join(place, name)
            try:
                status = os.stat(path)
            except FileNotFoundError:  # another process made room just now
                continue
            yield status.st_atime, status.st_size, path


def _remove_if_left(part: str) -> None:
    """Remove a part of a file that a killed process left."""
    with suppress(FileNotFoundError):
        if os.stat(part).st_mtime < time.time() - LEFT:
            os.unlink(part)


def _described(folder: Path) -> frozenset[str]:
    """The files that describe the data of a mirror."""
    about = parse_json((folder / MARKER).read_text(encoding="utf-8"))
    return frozenset(about["versions"])
