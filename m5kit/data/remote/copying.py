"""Copies files of a folder behind a URL to this machine, whole: of the right length and the right checksum."""

import hashlib
import logging
import os
import stat
import zlib
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from m5kit.data.json_values import parse_json
from m5kit.data.remote.folder import RemoteFile, RemoteFolder
from m5kit.data.remote.room import PART, Room
from m5kit.data.remote.trying import WrongLengthError

log = logging.getLogger("m5kit")

TAR = ".tar"

ROOM = Room()


@dataclass(frozen=True, slots=True)
class Copying:
    """From where files are copied, and to where.

    Attributes:
        folder: on this machine.
        remote: the folder behind the URL.
    """

    folder: Path
    remote: RemoteFolder

    def copy(self, name: str, file: RemoteFile) -> None:
        """Fetch a file aside and rename it; what arrives in part, or with another checksum, is fetched once more.

        Raises:
            RemoteError: it arrives in part again.
        """
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        short = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        aside = target.with_name(f".{short}.{os.getpid()}.{file.size or 0}{PART}")
        try:
            try:
                self._fetch(name, file, aside)
            except WrongLengthError:
                file = self.remote.find(name) or file  # it may have been replaced just now
                self._fetch(name, file, aside)
            # The time tells versions apart; the machine's clock would give each copy of one version another time.
            changed = zlib.crc32((file.version or digest(aside)).encode()) * 10**9 + _size_mark(aside.stat().st_size)
            os.utime(aside, ns=(aside.stat().st_atime_ns, changed))
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)

    def _fetch(self, name: str, file: RemoteFile, aside: Path) -> None:
        """Fetch a file, and once more if its checksum is not the one in ``shards.json``.

        Raises:
            WrongLengthError: it has other than the bytes that the server told.
        """
        url, wanted = f"{self.remote.url}/{name}", self._checksums().get(name)
        if file.size is not None:
            ROOM.make(url, file.size, TAR)
        for _ in range(2):
            self.remote.fetch(name, aside, ROOM.most() if file.size is None else file.size)
            size = aside.stat().st_size
            if file.size is None:
                ROOM.make(url, size, TAR)
            elif size < file.size:
                raise WrongLengthError(f"{url} has {file.size:,} bytes, and {size:,} arrived, twice")
            if wanted is None or digest(aside) == wanted:
                return
        # as on a local disk: what is whole in it is used, and what is not counts as failures of its items
        log.warning("%s is damaged: its checksum is not that in shards.json", url)

    def _checksums(self) -> dict[str, str]:
        """SHA-256 by file, as far as ``shards.json`` tells."""
        about = self.folder / "shards.json"
        if not about.is_file():
            return {}
        status = about.stat()
        return _read_checksums(about, status.st_size, status.st_mtime_ns)


def is_whole(path: str | Path) -> bool:
    """Whether there is a file, and nothing was written to it since it came."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    marked = status.st_mtime_ns % 10**9
    # file systems that keep whole seconds alone tell nothing
    return stat.S_ISREG(status.st_mode) and marked in (0, _size_mark(status.st_size))


@lru_cache(16)
def _read_checksums(about: Path, size: int, changed: int) -> dict[str, str]:
    """Of shards and their indexes; empty if the file is damaged, which its reader will tell."""
    try:
        shards = parse_json(about.read_text(encoding="utf-8"))["shards"]
        found = {shard["name"]: shard["sha256"] for shard in shards}
        indexes = {shard["name"].replace(TAR, ".index.npy"): shard["index_sha256"] for shard in shards}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return found | indexes


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size_mark(size: int) -> int:
    """Nanoseconds that the time of a copy of this size ends in, by which it is seen whether the copy is as it came.

    They are hundreds, as some file systems keep no finer time.
    """
    return 100 * (1 + size % 9_999_999)
