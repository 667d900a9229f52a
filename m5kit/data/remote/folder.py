"""A folder behind a URL, reached through fsspec: patiently, and with errors that a user can act on."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import quote

from m5kit.data.remote.trying import RemoteError, patiently
from m5kit.errors import ConfigError, MissingDependencyError

log = logging.getLogger("m5kit")

LIBRARIES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
"""What fsspec reads URLs of each scheme with, where it comes with the extra ``remote``."""

WEB = ("http://", "https://")

WHOLE = ("s3://", "s3a://", "gs://", "gcs://", "az://", "abfs://", "memory://")
"""Beginnings of URLs of object stores: a file in one is there as a whole or not at all."""

MARKS = ("ETag", "etag", "Content-MD5", "generation", "blob_id", "Last-Modified", "LastModified", "mtime", "created")
"""What file systems say of a file that changes with its contents."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What is known of a file without reading it.

    Attributes:
        size: in bytes; None if the server does not tell.
        version: changes with the contents; empty if the server tells nothing that does.
    """

    size: int | None
    version: str


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A folder behind a URL. Credentials and endpoints are fsspec's matter: environment, or ``~/.config/fsspec``.

    Attributes:
        url: without a slash at its end.
    """

    url: str

    def find(self, name: str) -> RemoteFile | None:
        """A file in the folder; None if there is none of this name."""
        try:
            info = patiently(self.url, lambda: self._system().info(self._path(name)))
        except FileNotFoundError:
            return None
        return RemoteFile(info.get("size"), _version(info)) if info.get("type") != "directory" else None

    def names(self, suffix: str) -> list[str]:
        """Files with this ending, relative to the folder and sorted, also in folders below; empty if there are none."""
        try:
            found = self._files()
        except FileNotFoundError:
            return []
        names = [name for name in found if name.endswith(suffix)]
        usable = [name for name in names if is_inside(name)]
        if len(usable) < len(names):
            log.warning("%s lists %d names that lead out of it; they are left out", self.url, len(names) - len(usable))
        return sorted(usable)

    def _files(self) -> list[str]:
        if self._is_web:
            from m5kit.data.remote.listing import list_files

            return list_files(self._path(""), self._download)
        # what it listed before may have changed since: another process may be writing
        self._system().invalidate_cache()
        base = f"{self._path('')}/"
        return [path.removeprefix(base) for path in patiently(self.url, lambda: self._system().find(self._path("")))]

    def fetch(self, name: str, to: Path, most: int) -> None:
        """Copy a file to this machine.

        Args:
            name: of the file.
            to: where it is written.
            most: bytes that it may have.

        Raises:
            FileNotFoundError: there is none.
            WrongLengthError: it has more bytes.
        """
        from m5kit.data.remote.arrival import Arrival

        if self._is_web:
            self._download(self._path(name), to, most)
            return
        path, shown = self._path(name), f"{self.url}/{name}"
        patiently(self.url, lambda: self._system().get_file(path, str(to), callback=Arrival(shown, most)))

    def _download(self, url: str, to: Path, most: int) -> None:
        from m5kit.data.remote.arrival import Arrival
        from m5kit.data.remote.web import download

        patiently(self.url, lambda: download(self._system(), url, to, Arrival(url, most)))

    def read(self, name: str) -> bytes | None:
        """The contents of a small file; None if there is none."""
        try:
            content: bytes = patiently(self.url, lambda: self._system().cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        return content

    def put(self, file: Path, name: str) -> None:
        """Copy a file of this machine into the folder, where it is as a whole or not at all."""
        system = self._system()
        if self.url.startswith(WHOLE):
            patiently(self.url, lambda: system.put_file(str(file), self._path(name)), "write to")
            return
        patiently(self.url, lambda: system.makedirs(self._path(name).rpartition("/")[0], exist_ok=True), "write to")
        aside = self._path(f"{name}.part")
        patiently(self.url, lambda: system.put_file(str(file), aside), "write to")
        patiently(self.url, lambda: system.mv(aside, self._path(name)), "write to")

    def remove(self, names: Sequence[str]) -> None:
        """Remove files."""
        if names:
            patiently(self.url, lambda: self._system().rm([self._path(name) for name in names]), "write to")

    def explain_absence(self) -> None:
        """Raise an error if the folder itself is what is missing, such as a bucket that there is not."""
        try:
            if self._is_web:
                self._files()
            else:
                patiently(self.url, lambda: self._system().ls(self._path(""), detail=False))
        except FileNotFoundError as error:
            what = str(error) if "does not exist" in str(error) else "there is nothing of this name"
            raise RemoteError(f"cannot read {self.url}: {what}; check the URL") from error

    def _system(self) -> Any:
        return _file_system(self.url, os.getpid())[0]

    def _path(self, name: str) -> str:
        path = _file_system(self.url, os.getpid())[1].rstrip("/")
        if not name:
            return path
        return f"{path}/{quote(name, errors='surrogateescape') if self._is_web else name}"

    @property
    def _is_web(self) -> bool:
        return self.url.startswith(WEB)


@lru_cache(64)
def _file_system(url: str, process: int) -> tuple[Any, str]:
    """The file system of fsspec for a URL, and the path in it; one a process, as connections do not survive a fork.

    Raises:
        ConfigError: there is none for this kind of URL.
        MissingDependencyError: it is not installed.
    """
    import fsspec

    scheme = url.partition("://")[0]
    try:
        system, path = fsspec.core.url_to_fs(url, **_options(url))
    except ImportError as error:
        if scheme not in LIBRARIES:
            raise ConfigError([f"{scheme}:// needs a library that is not installed: {error}"]) from error
        cause = error.__cause__ if isinstance(error.__cause__, ImportError) else None  # the error is fsspec's own
        raise MissingDependencyError(LIBRARIES[scheme], f"{scheme}://", "remote", cause) from error
    except ValueError as error:
        raise ConfigError([f"{scheme}:// is no kind of URL that fsspec knows; such as s3:// or https://"]) from error
    return system, path


def _options(url: str) -> dict[str, Any]:
    if not url.startswith(WEB):
        return {}
    from m5kit.data.remote.web import open_session

    return {"get_client": open_session}


def is_inside(name: str) -> bool:
    """Whether this is the name of a file in a folder, and leads neither out of it nor to it by a detour.

    Example:
        >>> is_inside("train/0.tar"), is_inside("../0.tar"), is_inside("/0.tar")
        (True, False, False)
    """
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half of a surrogate pair, which no file's name has
        return False
    return os.path.normpath(name) == name and not name.startswith(("/", "../")) and "\0" not in name


def _version(info: Mapping[str, Any]) -> str:
    marks = [f"{key}={info[key]}" for key in MARKS if info.get(key) is not None]
    if not marks:
        return ""
    return blake2b("\n".join([f"size={info.get('size')}", *marks]).encode(), digest_size=8).hexdigest()
