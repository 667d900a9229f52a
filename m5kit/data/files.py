"""Opens every file that a data set names: which file it is, whether it may be read, and what to say if not.

A data set may come from a stranger. So a reference is resolved below the data's root, links included, and only regular
files of a bounded size are handed on; whatever a library raises while it reads one becomes a DecodeError that names it.
docs/security.md lists what is refused and why.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from m5kit.data.links import has_link, is_below, link_leads_out
from m5kit.data.remote.copies import bring, mirror_of
from m5kit.data.remote.trying import RemoteError
from m5kit.data.tars.index import TarError
from m5kit.data.tars.members import SUFFIX, copy_out, member_size, open_tar, split_path
from m5kit.errors import CheckpointError, DataError, DecodeError


class UnusableFileError(ValueError):
    """What is wrong with a file, in a sentence of our own; inside of :func:`reading`."""


UNBOUNDED = 2**62
"""Bytes; for files of many items, of which only a part is read."""

MEMBER = SUFFIX + os.sep
"""What a path through a tar file has in it."""

LONGEST_MESSAGE = 300
"""Characters of a library's message; some repeat the whole damaged file."""


def find_file(source: Any, root: Path, max_bytes: int, follow_links: bool = False, anywhere: bool = False) -> Path:
    """The regular file that ``source``, a path relative to ``root``, names.

    A path may lead through a tar file, as ``000003.tar/a1.jpg``; the result is a copy that lives as long as its path.

    Args:
        source: as the manifest gives it.
        root: the data's folder; it may be a link itself.
        max_bytes: larger files are refused.
        follow_links: also read what a link below ``root`` leads to outside of it. Without it only links that
            ``m5kit data import`` made on this machine may lead out.
        anywhere: the path may leave ``root``, as one may that the user of this process wrote, not a data set.

    Raises:
        DecodeError: not a path, outside ``root``, missing, not a regular file, empty, or over ``max_bytes``.
    """
    path = _resolve(source, root, follow_links, anywhere)
    inside = split_path(path)
    return _copy_member(*inside, source, max_bytes) if inside else check_file(path, source, max_bytes)


def view_member(
    source: Any, root: Path, max_bytes: int, follow_links: bool = False, anywhere: bool = False
) -> memoryview | None:
    """The contents of a member of a tar file, where they lie; None for a file that is no member of one.

    Arguments and errors are those of :func:`find_file`.
    """
    if MEMBER not in str(source):
        return None
    inside = split_path(_resolve(source, root, follow_links, anywhere))
    if inside is None:
        return None
    tar, name = inside
    with _naming_member(source):
        opened = open_tar(tar)
        _check_size(opened.size(name), source, max_bytes)
        return opened.view(name)


def require_file(source: Any, root: Path, follow_links: bool = False) -> None:
    """See that there is a file, as :func:`find_file` does, without reading any of it.

    Raises:
        DecodeError: not a path, outside ``root``, missing, not a regular file, or empty.
    """
    path = _resolve(source, root, follow_links, anywhere=False)
    inside = split_path(path)
    if inside is None:
        _require_loose(path, source)
        return
    with _naming_member(source):
        _check_size(member_size(*inside), source, UNBOUNDED)


def check_file(path: str | Path, source: Any, max_bytes: int) -> Path:
    """The path of a regular file of a bounded size; ``source`` is what messages call it.

    Raises:
        DecodeError: missing, not a regular file, empty, or over ``max_bytes``.
    """
    bring(str(path))
    try:
        # A pipe or a device must not even be opened: opening a pipe waits for its other end.
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise unreadable(source, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise unreadable(source, "it is not a regular file")
    _check_size(status.st_size, source, max_bytes)
    return Path(path)


def _require_loose(path: str, source: Any) -> None:
    mirror = mirror_of(path)
    size = None if mirror is None else mirror.size(path)
    if size is None:
        check_file(path, source, UNBOUNDED)
    else:
        _check_size(size, source, UNBOUNDED)


def _resolve(source: Any, root: Path, follow_links: bool, anywhere: bool) -> str:
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise unreadable(source, f"expected a path relative to the data's root, got {type(source).__name__}")
    base = os.path.abspath(root)
    path = os.path.normpath(os.path.join(base, source))
    if not anywhere:
        _require_below(source, path, base, follow_links)
    return path


def _copy_member(tar: Path, name: str, source: Any, max_bytes: int) -> Path:
    with _naming_member(source):
        opened = open_tar(tar)
        _check_size(opened.size(name), source, max_bytes)
        return copy_out(opened, name)


@contextmanager
def _naming_member(source: Any) -> Iterator[None]:
    try:
        yield
    except TarError as error:
        raise unreadable(source, str(error)) from error
    except OSError as error:
        raise unreadable(source, error) from error


def _check_size(size: int, source: Any, max_bytes: int) -> None:
    if size == 0:
        raise unreadable(source, "the file is empty (0 bytes)")
    if size > max_bytes:
        raise unreadable(source, f"{size:,} bytes are over the cap max_bytes={max_bytes:,}")


def _require_below(source: Any, path: str, base: str, follow_links: bool) -> None:
    """Refuse a path that leaves the data's root, as it is written or by a link."""
    if not is_below(path, base):
        raise unreadable(source, f"the path leaves the data's root {base}; put the file below it")
    if not has_link(path, base):  # a few system calls; to resolve both ends takes ten times as long
        return
    try:
        leads_out = link_leads_out(path, base)
    except (OSError, ValueError) as error:
        raise unreadable(source, error) from error
    if leads_out and not follow_links:
        raise unreadable(
            source,
            f"it is, or lies behind, a link that leaves the data's root {base}; copy the file there, or allow such "
            "links with data.follow_links: true (m5kit data: --follow-links)",
        )


def require_inside(path: Path, root: Path, follow_links: bool) -> None:
    """Refuse a file of a data folder itself, such as its manifest, that a link out of the folder stands for.

    Raises:
        DataError: it lies outside of ``root``, and links out of it are not to be followed.
    """
    if not follow_links and link_leads_out(path, root):
        raise DataError(
            f"{path} is, or lies behind, a link that leaves {root}; copy the file there, name the file that it leads "
            "to, or allow such links with data.follow_links: true (--follow-links)"
        )


def open_own(path: Path, mode: str) -> IO[Any]:
    """Open for writing, as text, a file of m5kit's own in a folder that may come from somebody else.

    A run folder of a stranger could hold a link in its place, which leads to any file of the user.

    Raises:
        CheckpointError: it is a link, a pipe or a device.
    """
    try:
        return open(path, mode, encoding="utf-8", opener=_without_following)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise CheckpointError(
            f"{path} is a link or no regular file, so nothing was written there; remove it"
        ) from error


def _without_following(name: str, flags: int) -> int:
    """Open neither what a link leads to nor, with a long wait, a pipe."""
    opened = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), name)
    return opened


@contextmanager
def reading(source: Any) -> Iterator[None]:
    """Turn whatever is raised inside into one DecodeError that names ``source``.

    Libraries raise nearly anything for a damaged file (``struct.error``, ``SyntaxError``, ``zlib.error``, plain
    ``Exception``): a list of classes was never complete, and one file must not end a run.
    """
    try:
        yield
    except (DecodeError, RemoteError):  # a network that is gone is not the fault of a file
        raise
    except UnusableFileError as error:
        raise unreadable(source, str(error)) from error
    except Exception as error:
        raise unreadable(source, error) from error


def unreadable(source: Any, why: object) -> DecodeError:
    """The error for ``source``; an exception from a library as ``why`` is put in one line."""
    shown = os.fspath(source) if isinstance(source, os.PathLike) else source
    name = repr(shown)
    name = name if len(name) <= LONGEST_MESSAGE else f"{name[:LONGEST_MESSAGE]}..."
    return DecodeError(f"cannot read {name}: {_cause(why) if isinstance(why, Exception) else why}")


def _cause(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    message = " ".join(f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}".split())
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}..."
