"""Asks a server patiently, and says in one line why it did not work."""

import errno
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from m5kit.errors import ConfigError, DataError, MissingDependencyError

log = logging.getLogger("m5kit")

T = TypeVar("T")

DELAYS = (0.5, 2.0, 8.0)
"""Seconds before each further try."""

HOPELESS = (PermissionError, ImportError, NotImplementedError, ValueError, TypeError)
"""Errors that another try does not change."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of errors of this machine's disk."""

HOPELESS_NAMES = ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "RepositoryNotFoundError")
"""The same, of libraries that need not be installed."""


ABSENT = (400, 404, 410, 414, 451)
"""Answers of web servers that are about one file: there is none, or none can have this name."""


class RemoteError(DataError):
    """A folder behind a URL cannot be reached, read or written; not the fault of any one item."""


class WrongLengthError(RemoteError):
    """A file has other than the bytes that it was said to have; it may have been replaced in between."""


class SlowServerError(TimeoutError):
    """A server answers, but hardly; in a sentence of our own."""


def patiently(url: str, act: Callable[[], T], doing: str = "read") -> T:
    """Do something, again and again where the network is to blame.

    Args:
        url: of the folder, for messages.
        act: what to do.
        doing: a verb for messages.

    Raises:
        FileNotFoundError: the file is not there.
        RemoteError: it did not work.
    """
    for delay in (*DELAYS, None):
        try:
            return act()
        except (ConfigError, DataError, MissingDependencyError):
            raise
        except FileNotFoundError as error:
            reason = _behind(error)
            if reason is None:
                raise
        except Exception as error:
            if getattr(error, "errno", None) in FULL:
                raise
            reason = error
        if isinstance(reason, RemoteError):
            raise reason
        if _is_hopeless(reason):
            raise _error(url, reason, doing) from reason
        if delay is None:
            raise _error(url, reason, doing, f" after {len(DELAYS) + 1} tries") from reason
        log.info("%s: %s; trying again in %g s", url, type(reason).__name__, delay)
        time.sleep(delay)
    raise AssertionError  # the last delay is None


def _error(url: str, reason: BaseException, doing: str, tries: str = "") -> RemoteError:
    """One line about an error of a library; without the URL of the request, which may be signed."""
    name = type(reason).__name__
    if isinstance(reason, PermissionError) or name in HOPELESS_NAMES or _status(reason) in (401, 403):
        why = f"access is denied ({name}); give credentials as fsspec reads them (docs/howto/remote-data.md)"
    elif _is_hopeless(reason):
        why = f"{name}: {' '.join(str(reason).split('?')[0].split())[:200]}"
    else:
        what = str(reason) if isinstance(reason, SlowServerError) else name
        why = f"it cannot be reached{tries} ({what}); check the URL and the network"
    return RemoteError(f"cannot {doing} {url}: {why}")


def _behind(error: FileNotFoundError) -> BaseException | None:
    """What is behind an error that says that a file is missing; None if it is missing indeed.

    fsspec's file system for HTTP says so too where a server does not answer.
    """
    cause = error.__cause__
    if cause is None or _status(cause) in ABSENT:
        return None
    # libraries of object stores have errors of their own for a file that is missing
    trouble = isinstance(cause, RemoteError | TimeoutError) or "aiohttp" in type(cause).__module__
    return cause if trouble else None


def _status(error: BaseException) -> int | None:
    """The status of a server's answer, where an error has one."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _is_hopeless(error: BaseException) -> bool:
    status = _status(error)
    refused = status is not None and 400 <= status < 500 and status not in (408, 429)
    return refused or isinstance(error, HOPELESS) or type(error).__name__ in HOPELESS_NAMES
