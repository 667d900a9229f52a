"""A folder behind a URL, reached through fsspec: patiently, and with errors that a user can act on."""

import errno
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from m5kit.errors import ConfigError, DataError, MissingDependencyError

log = logging.getLogger("m5kit")

T = TypeVar("T")

DELAYS = (0.5, 2.0, 8.0)
"""Seconds before each further try."""

LIBRARIES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "http": "aiohttp", "https": "aiohttp"}
"""What fsspec reads URLs of each scheme with, where it comes with the extra ``remote``."""

WHOLE = ("s3://", "s3a://", "gs://", "gcs://", "az://", "abfs://", "memory://")
"""Beginnings of URLs of object stores: a file in one is there as a whole or not at all."""

HOPELESS = (PermissionError, ImportError, NotImplementedError, ValueError, TypeError)
"""Errors that another try does not change."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of errors of this machine's disk."""

HOPELESS_NAMES = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "RepositoryNotFoundError")
"""The same, of libraries that need not be installed."""

MARKS = ("ETag", "etag", "Content-MD5", "generation", "blob_id", "Last-Modified", "LastModified", "mtime", "created")
"""What file systems say of a file that changes with its contents."""


class RemoteError(DataError):
    """A folder behind a URL cannot be reached, read or written; not the fault of any one item."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What is known of a file without reading it.

    Attributes:
        size: in bytes; None if the server does not tell.
        version: changes with the contents.
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
            info = self._patiently(lambda: self._system().info(self._path(name)))
        except FileNotFoundError:
            return None
        return RemoteFile(info.get("size"), _version(info)) if info.get("type") != "directory" else None

    def names(self, suffix: str) -> list[str]:
        """Files with this ending, relative to the folder and sorted, also in folders below; empty if there are none."""
        try:
            # what it listed before may have changed since: another process may be writing
            self._system().invalidate_cache()
            paths = self._patiently(lambda: self._system().find(self._path("")))
        except FileNotFoundError:
            return []
        base = f"{self._path('')}/"
        names = [path.removeprefix(base) for path in paths if path.endswith(suffix)]
        return sorted(map(unquote, names) if self._is_web else names)

    def fetch(self, name: str, to: Path) -> None:
        """Copy a file to this machine.

        Raises:
            FileNotFoundError: there is none.
        """
        self._patiently(lambda: self._system().get_file(self._path(name), str(to)))

    def read(self, name: str) -> bytes | None:
        """The contents of a small file; None if there is none."""
        try:
            content: bytes = self._patiently(lambda: self._system().cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        return content

    def put(self, file: Path, name: str) -> None:
        """Copy a file of this machine into the folder, where it is as a whole or not at all."""
        system = self._system()
        if self.url.startswith(WHOLE):
            self._patiently(lambda: system.put_file(str(file), self._path(name)), "write to")
            return
        self._patiently(lambda: system.makedirs(self._path(name).rpartition("/")[0], exist_ok=True), "write to")
        aside = self._path(f"{name}.part")
        self._patiently(lambda: system.put_file(str(file), aside), "write to")
        self._patiently(lambda: system.mv(aside, self._path(name)), "write to")

    def remove(self, names: Sequence[str]) -> None:
        """Remove files."""
        if names:
            self._patiently(lambda: self._system().rm([self._path(name) for name in names]), "write to")

    def explain_absence(self) -> None:
        """Raise an error if the folder itself is what is missing, such as a bucket that there is not."""
        try:
            self._patiently(lambda: self._system().ls(self._path(""), detail=False))
        except FileNotFoundError as error:
            what = str(error) if "does not exist" in str(error) else "there is nothing of this name"
            raise RemoteError(f"cannot read {self.url}: {what}; check the URL") from error

    def _system(self) -> Any:
        return _file_system(self.url, os.getpid())[0]

    def _path(self, name: str) -> str:
        path = _file_system(self.url, os.getpid())[1].rstrip("/")
        if not name:
            return path
        return f"{path}/{quote(name) if self._is_web else name}"

    @property
    def _is_web(self) -> bool:
        return self.url.startswith(("http://", "https://"))

    def _patiently(self, act: Callable[[], T], doing: str = "read") -> T:
        """Do something, again and again where the network is to blame; ``doing`` is for messages.

        Raises:
            FileNotFoundError: the file is not there.
            RemoteError: it did not work.
        """
        for delay in (*DELAYS, None):
            try:
                return act()
            except (FileNotFoundError, DataError, ConfigError, MissingDependencyError) as error:
                reason = _behind(error)
                if reason is None:
                    raise
            except Exception as error:
                if getattr(error, "errno", None) in FULL:
                    raise
                reason = error
            if _is_hopeless(reason):
                raise self._error(reason, doing) from reason
            if delay is None:
                raise self._error(reason, doing, f" after {len(DELAYS) + 1} tries") from reason
            log.info("%s: %s; trying again in %g s", self.url, type(reason).__name__, delay)
            time.sleep(delay)
        raise AssertionError  # the last delay is None

    def _error(self, reason: BaseException, doing: str, tries: str = "") -> RemoteError:
        """One line about an error of a library; without the URL of the request, which may be signed."""
        name = type(reason).__name__
        if isinstance(reason, PermissionError) or name in HOPELESS_NAMES or _status(reason) in (401, 403):
            why = f"access is denied ({name}); give credentials as fsspec reads them (docs/howto/remote-data.md)"
        elif _is_hopeless(reason):
            why = f"{name}: {' '.join(str(reason).split('?')[0].split())[:200]}"
        else:
            why = f"it cannot be reached{tries} ({name}); check the URL and the network"
        return RemoteError(f"cannot {doing} {self.url}: {why}")


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
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        if scheme not in LIBRARIES:
            raise ConfigError([f"{scheme}:// needs a library that is not installed: {error}"]) from error
        raise MissingDependencyError(LIBRARIES[scheme], f"{scheme}://", "remote") from error
    except ValueError as error:
        raise ConfigError([f"{scheme}:// is no kind of URL that fsspec knows; such as s3:// or https://"]) from error
    return system, path


def _behind(error: Exception) -> BaseException | None:
    """What is behind an error that says that a file is missing; None if it is missing indeed.

    fsspec's file system for HTTP says so too where a server does not answer.
    """
    cause = error.__cause__
    if not isinstance(error, FileNotFoundError) or cause is None or isinstance(cause, FileNotFoundError):
        return None
    # libraries of object stores have errors of their own for it
    return cause if _status(cause) not in (404, 410) and "aiohttp" in type(cause).__module__ else None


def _status(error: BaseException) -> int | None:
    """The status of a server's answer, where an error has one."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _is_hopeless(error: BaseException) -> bool:
    status = _status(error)
    refused = status is not None and 400 <= status < 500 and status not in (408, 429)
    return refused or isinstance(error, HOPELESS) or type(error).__name__ in HOPELESS_NAMES


def _version(info: Mapping[str, Any]) -> str:
    marks = [f"{key}={info[key]}" for key in ("size", *MARKS) if info.get(key) is not None]
    return blake2b("\n".join(marks).encode(), digest_size=8).hexdigest()
