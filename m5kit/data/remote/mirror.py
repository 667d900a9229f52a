"""The folder on this machine that stands for one behind a URL: files come into it when they are asked for.

So every command, source and decoder reads it as it reads any folder; what is opened must first be brought here, which
:mod:`m5kit.data.files` and :mod:`m5kit.data.tars.members` see to with :func:`bring`. Small files that describe the
data come at once; when they have changed at their source, everything is fetched anew.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from m5kit.data.json_values import parse_json
from m5kit.data.limits import without_limit
from m5kit.data.remote.folder import RemoteError, RemoteFile, RemoteFolder
from m5kit.data.remote.room import INDEX, MARKER, Room, copies_folder

log = logging.getLogger("m5kit")

DESCRIPTIONS = (
    "annotations.jsonl",
    "annotations.parquet",
    "annotations.arrow",
    "shards.json",
    "classes.json",
    "failures.jsonl",
)
"""Files that describe a data folder."""

FRESH = 60.0
"""Seconds for which a process does not ask again whether a folder has changed."""

MANIFESTS = (".jsonl", ".parquet", ".arrow")
TAR = ".tar"

_room = Room()


@dataclass(frozen=True, slots=True)
class Mirror:
    """A folder and what it stands for.

    Attributes:
        folder: on this machine.
        remote: the folder behind the URL.
    """

    folder: Path
    remote: RemoteFolder

    def refresh(self, also: str = "") -> None:
        """Bring the small files of the folder up to date; forget everything else if one of them has changed.

        Args:
            also: another file that describes the data.

        Raises:
            RemoteError: the folder cannot be reached, or is not there.
        """
        with self._alone(MARKER):
            known = self._versions()
            names = dict.fromkeys((*DESCRIPTIONS, *known, *filter(None, [also])))
            found = {name: self.remote.find(name) for name in names}
            versions = {name: file.version for name, file in found.items() if file}
            if not versions and not known:
                self.remote.explain_absence()
            if any(versions.get(name) != version for name, version in known.items()):
                log.warning("%s has changed; what was copied of it is fetched anew", self.remote.url)
                _empty(self.folder)
            for name, file in found.items():
                if file and not (self.folder / name).is_file():
                    self._copy(name, file)
            about = {"url": self.remote.url, "versions": versions}
            _write_marker(self.folder, json.dumps(about))

    def bring(self, path: str) -> bool:
        """Have a file of the folder here.

        Returns:
            False if there is none of its name.

        Raises:
            RemoteError: it cannot be read.
        """
        if os.path.isfile(path):
            _room.note_use(path)
            return True
        name = os.path.relpath(path, self.folder)
        # the seconds that an item may take are meant for decoding; a slow network must not make items fail
        with without_limit(), self._alone(name):
            if os.path.isfile(path):  # while this process waited, another one brought it
                return True
            found = self.remote.find(name)
            if found is None:
                return False
            if not name.endswith(INDEX):
                _room.make(f"{self.remote.url}/{name}", found.size or 0, TAR)
            self._copy(name, found)
        return True

    def size(self, path: str) -> int | None:
        """Bytes of a file of the folder, wherever it is; None if there is none."""
        if os.path.isfile(path):
            return os.stat(path).st_size
        found = self.remote.find(os.path.relpath(path, self.folder))
        return None if found is None else found.size

    def tars(self) -> list[Path]:
        """All tar files in the folder, and in folders below, where they would be here."""
        return [self.folder / name for name in self.remote.names(TAR)]

    def version(self, path: str) -> str:
        """What changes with the contents of a file of the folder; empty if there is none."""
        found = self.remote.find(os.path.relpath(path, self.folder))
        return found.version if found else ""

    def _copy(self, name: str, file: RemoteFile) -> None:
        """Fetch a file aside and rename it; what arrives in part, or with another checksum, is fetched once more.

        Raises:
            RemoteError: it arrives in part again.
        """
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}.part")
        wanted = self._checksums().get(name)
        try:
            for left in (1, 0):
                self.remote.fetch(name, aside)
                size = aside.stat().st_size
                whole = file.size is None or size == file.size
                if whole and (wanted is None or _digest(aside) == wanted):
                    break
                if not left and not whole:
                    raise RemoteError(f"{self.remote.url}/{name} has {file.size:,} bytes, and {size:,} arrived, twice")
                if not left:
                    # as on a local disk: what is whole in it is used, and what is not counts as failures of its items
                    log.warning("%s/%s is damaged: its checksum is not that in shards.json", self.remote.url, name)
            # The time tells versions apart; the machine's clock would give each copy of one version another time.
            os.utime(aside, (aside.stat().st_atime, zlib.crc32(file.version.encode())))
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)

    def _checksums(self) -> dict[str, str]:
        """SHA-256 by file, as far as ``shards.json`` tells."""
        about = self.folder / "shards.json"
        if not about.is_file():
            return {}
        status = about.stat()
        return _read_checksums(about, status.st_size, status.st_mtime_ns)

    def _versions(self) -> dict[str, str]:
        marker = self.folder / MARKER
        versions: dict[str, str] = (
            parse_json(marker.read_text(encoding="utf-8"))["versions"] if marker.is_file() else {}
        )
        return versions

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep other processes from fetching the same file."""
        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / f".{blake2b(name.encode(), digest_size=8).hexdigest()}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def open_mirror(url: str) -> Path:
    """The folder on this machine that stands for the one behind a URL; a file in it, if the URL is that of a manifest.

    Raises:
        RemoteError: it cannot be reached, or is not there.
    """
    parent, _, last = url.rpartition("/")
    manifest = last if last.endswith(MANIFESTS) else ""
    remote = RemoteFolder(parent if manifest else url)
    folder = mirror_folder(remote.url)
    if time.monotonic() - _refreshed.get((url, folder), -FRESH) > FRESH:
        Mirror(folder, remote).refresh(manifest)
        _refreshed[url, folder] = time.monotonic()
    return folder / manifest


def mirror_folder(url: str) -> Path:
    """Where the mirror of a URL is; one may read from its path what it is."""
    scheme, _, place = url.partition("://")
    # the same bucket at another endpoint is another bucket (AWS_ENDPOINT_URL, FSSPEC_S3_ENDPOINT_URL)
    endpoints = [f"{name}={value}" for name, value in sorted(os.environ.items()) if "ENDPOINT" in name]
    short = blake2b("\n".join([url, *endpoints]).encode(), digest_size=4).hexdigest()
    return copies_folder() / scheme / f"{place.replace('/', '_')[-80:]}-{short}"


_refreshed: dict[tuple[str, Path], float] = {}
"""When this process saw to it that a mirror is up to date."""


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


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == ".locks":
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_marker(folder: Path, text: str) -> None:
    aside = folder / f"{MARKER}.{os.getpid()}"
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, folder / MARKER)
