"""The folder on this machine that stands for one behind a URL: files come into it when they are asked for.

So every command, source and decoder reads it as it reads any folder; what is opened must first be brought here, which
:mod:`m5kit.data.files` and :mod:`m5kit.data.tars.members` see to with :func:`bring`. Small files that describe the
data come at once; when they have changed at their source, everything is fetched anew.
"""

import errno
import fcntl
import json
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from m5kit.data.limits import without_limit
from m5kit.data.remote.copying import ROOM, TAR, Copying, digest, is_whole
from m5kit.data.remote.folder import RemoteFile, RemoteFolder, is_inside
from m5kit.data.remote.room import FOLDER, MARKER, copies_folder, read_marker
from m5kit.data.remote.trying import RemoteError
from m5kit.data.shard_set import write_whole

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

NO_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY)
"""Numbers of errors of files that cannot be here, because of their own name or that of another file."""


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
            for _ in range(2):
                versions = self._refresh_once(also)
                if versions is not None:
                    about = {"url": self.remote.url, "versions": versions}
                    write_whole(self.folder / MARKER, json.dumps(about))
                    return
        raise RemoteError(f"{self.remote.url} changed twice while it was read; try again when it is finished")

    def _refresh_once(self, also: str) -> dict[str, str] | None:
        """The versions of what is here now; None if it changed while it was copied."""
        known = read_marker(self.folder)["versions"]
        names = dict.fromkeys((*DESCRIPTIONS, *known, *filter(None, [also])))
        found = self._find(names)
        versions = self._versions(found)
        if not versions and not known:
            self.remote.explain_absence()
        if any(versions.get(name) != version for name, version in known.items()):
            log.warning("%s has changed; what was copied of it is fetched anew", self.remote.url)
            _empty(self.folder)
        elif not known:  # nobody knows of which version something is that a killed process left
            _empty(self.folder)
        missing = {name: file for name, file in found.items() if not is_whole(self.folder / name)}
        for name, file in missing.items():
            Copying(self.folder, self.remote).copy(name, file)
        return versions if not missing or self._versions(self._find(names)) == versions else None

    def _find(self, names: Iterable[str]) -> dict[str, RemoteFile]:
        found = {name: self.remote.find(name) for name in names if is_inside(name)}
        return {name: file for name, file in found.items() if file}

    def _versions(self, found: Mapping[str, RemoteFile]) -> dict[str, str]:
        return {name: file.version or self._content_version(name, file) for name, file in found.items()}

    def _content_version(self, name: str, file: RemoteFile) -> str:
        """What changes with a file of whose changes the server tells nothing."""
        with TemporaryDirectory(prefix="m5kit-") as place:
            copy = Path(place) / "copy"
            self.remote.fetch(name, copy, ROOM.most() if file.size is None else file.size)
            return digest(copy)

    def bring(self, path: str) -> bool:
        """Have a file of the folder here.

        Returns:
            False if there is none of its name.

        Raises:
            RemoteError: it cannot be read.
        """
        if is_whole(path):
            ROOM.note_use(path)
            ROOM.note_use(str(self.folder / MARKER))
            return True
        name = os.path.relpath(path, self.folder)
        if not is_inside(name):
            return False
        try:
            # the seconds that an item may take are meant for decoding; a slow network must not make items fail
            with without_limit(), self._alone(name):
                return self._bring(path, name)
        except OSError as error:
            if error.errno in NO_NAME:
                return False
            raise RemoteError(
                f"cannot copy {self.remote.url}/{name} to {self.folder}: {error.strerror or error}; make room there, "
                f"or name another folder with {FOLDER}"
            ) from error

    def _bring(self, path: str, name: str) -> bool:
        if is_whole(path):  # while this process waited, another one brought it
            return True
        found = self.remote.find(name)
        if found is None:
            return False
        Copying(self.folder, self.remote).copy(name, found)
        return True

    def size(self, path: str) -> int | None:
        """Bytes of a file of the folder, wherever it is; None if there is none."""
        if is_whole(path):
            return os.stat(path).st_size
        found = self._find_path(path)
        return None if found is None else found.size

    def tars(self) -> list[Path]:
        """All tar files in the folder, and in folders below, where they would be here."""
        return [self.folder / name for name in self.remote.names(TAR)]

    def version(self, path: str) -> str:
        """What changes with the contents of a file of the folder; empty if nobody knows."""
        found = self._find_path(path)
        return found.version if found else ""

    def _find_path(self, path: str) -> RemoteFile | None:
        name = os.path.relpath(path, self.folder)
        return self.remote.find(name) if is_inside(name) else None

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep other processes from fetching the same file."""
        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / f".{blake2b(os.fsencode(name), digest_size=2).hexdigest()}").open("w") as lock:
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


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == ".locks":
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
