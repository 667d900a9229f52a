"""Where a data folder is: on this machine, or behind a URL such as ``s3://bucket/shop.shards``.

Nothing here imports fsspec: every command asks.
"""

import errno
import os
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from m5kit.errors import UsageError

Place: TypeAlias = Path | str
"""A path of this machine, or the URL of a folder elsewhere."""

SEPARATOR = "://"


def is_remote(place: object) -> bool:
    """Whether this is a URL.

    Example:
        >>> is_remote("s3://bucket/shop"), is_remote("shop")
        (True, False)
    """
    return isinstance(place, str) and SEPARATOR in place


def as_place(given: str | os.PathLike[str], what: str = "") -> Place:
    """A URL as it is, anything else as a path; ``file://`` is a path too; ``what`` is its name for an error.

    Example:
        >>> as_place("s3://bucket/shop/"), as_place("file:///data/shop")
        ('s3://bucket/shop', PosixPath('/data/shop'))

    Raises:
        ConfigError: it is neither.
    """
    if not is_remote(given):
        return as_path(given, what)
    text = os.fspath(given)
    if text.startswith(f"file{SEPARATOR}"):
        return as_path(text.removeprefix(f"file{SEPARATOR}"), what)
    scheme, _, rest = text.rstrip("/").partition(SEPARATOR)
    return f"{scheme.lower()}{SEPARATOR}{rest}"


def as_path(given: object, what: str = "") -> Path:
    """A path, if a caller gave one that a file may have; ``~`` is the home folder, ``what`` a name for an error.

    Raises:
        ConfigError: it is something else, such as None or a URL, or no file can be called so.
    """
    of = what and f"{what}: "
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        raise UsageError([f"{of}expected a path, got {given!r}"])
    if is_remote(given):  # as a path it would make a folder called s3:
        raise UsageError([f"{of}expected a path of this machine, got the URL {given}"])
    if not os.fspath(given):  # a variable of a script that is not set; pathlib takes it for the folder it runs in
        raise UsageError([f"{of}expected a path, got an empty text; write . for the folder that you are in"])
    # a shell leaves ~ as it is in --out=~/shop, and Python does everywhere: a folder called ~ would be made
    path = Path(given).expanduser() if os.fspath(given).startswith("~") else Path(given)
    try:
        os.lstat(path)
    except ValueError as error:  # a zero byte, or half a character
        raise UsageError([f"{of}no file can be called {str(path)!r} ({error})"]) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UsageError([f"{of}no file can be called {str(path)[:60]!r}... (the name is too long)"]) from error
    return path


def require_own_place(out: Path, data: Place | str | None, what: str) -> None:
    """Keep the files of a run or a sweep out of the folder of its items.

    Args:
        out: its folder.
        data: of the items.
        what: is kept in ``out``.

    Raises:
        UsageError: both are the same folder.
    """
    if data is None or is_remote(data):
        return
    # not Path.resolve(), which fails at links that lead round in a circle: what is read later says so
    if os.path.realpath(out) == os.path.realpath(os.path.expanduser(data)):
        raise UsageError([f"{out} is the folder of the items; name another one for the {what}"])


def absolute(place: Place) -> Place:
    """A path from the root, for processes that start in another folder; a URL as it is."""
    return place.absolute() if isinstance(place, Path) else place


def local_folder(place: Place) -> Path:
    """The folder on this machine in which a place is read: itself, or the one that mirrors a URL.

    Raises:
        ConfigError: the URL cannot be one of a data folder.
        RemoteError: it cannot be reached.
        MissingDependencyError: the library for this kind of URL is not installed.
    """
    if isinstance(place, Path):
        return place
    if not is_remote(place):
        return Path(place)
    from m5kit.data.remote.mirror import open_mirror

    return open_mirror(check_url(place))


def check_url(url: str) -> str:
    """The URL, if it holds no secret and can have file names appended.

    Raises:
        ConfigError: it holds a password or a query; the URL itself is not shown then.
    """
    parts = urlsplit(url)
    problems = []
    if "::" in url:  # one file system of fsspec inside of another; the outer one may run or open anything
        problems.append("a URL in a URL (::) is not opened; give the URL of a folder")
    if "@" in parts.netloc:
        problems.append(
            f"the URL at {parts.hostname} holds a user's name or password, which would be stored with the run; give it "
            "by the environment or by a file in ~/.config/fsspec (docs/howto/remote-data.md)"
        )
    if parts.query:
        problems.append(f"the URL at {parts.netloc} has a query (?...); give the URL of a folder")
    if problems:
        raise UsageError(problems)
    return url.rstrip("/")
