"""Finds the file that a manifest names, and says in one way why it cannot be read."""

import os
import stat
from pathlib import Path
from typing import Any

from m5kit.errors import DecodeError


def media_path(source: Any, root: Path, max_bytes: int) -> Path:
    """The regular file ``source``, a path relative to ``root``, names.

    Links placed below ``root`` are followed; a path that itself leaves ``root`` is refused, so that a manifest from
    elsewhere cannot make m5kit read other files of this machine.

    Raises:
        DecodeError: not a path, outside ``root``, missing, not a regular file, empty, or over ``max_bytes``.
    """
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise unreadable(source, f"expected a path relative to the data's root, got {type(source).__name__}")
    base = os.path.abspath(root)
    path = os.path.normpath(os.path.join(base, source))
    if os.path.commonpath([base, path]) != base:
        raise unreadable(source, f"the path leaves the data's root {base}; put the file below it, or link it there")
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise unreadable(source, _cause(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise unreadable(source, "it is not a regular file")
    if status.st_size == 0:
        raise unreadable(source, "the file is empty (0 bytes)")
    if status.st_size > max_bytes:
        raise unreadable(source, f"{status.st_size:,} bytes are over the cap max_bytes={max_bytes:,}")
    return Path(path)


def unreadable(source: Any, why: object) -> DecodeError:
    """The error for ``source``; an exception from a library as ``why`` is put in one line."""
    shown = os.fspath(source) if isinstance(source, os.PathLike) else source
    return DecodeError(f"cannot read {shown!r}: {_cause(why) if isinstance(why, Exception) else why}")


def _cause(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    message = getattr(error, "strerror", None) or str(error)
    return " ".join(f"{type(error).__name__}: {message}".split())
