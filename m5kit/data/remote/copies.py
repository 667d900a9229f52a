"""Files by their paths on this machine: whether one is a copy of a file behind a URL, and how to have it here."""

import os
from pathlib import Path

from m5kit.data.remote.folder import RemoteFolder
from m5kit.data.remote.mirror import Mirror
from m5kit.data.remote.room import copies_folder, read_marker

DEPTH = 2
"""Folders from that of all copies down to a mirror: by scheme, and by URL."""

_mirrors: dict[str, Mirror] = {}
"""By folder; asked for at every file."""


def mirror_of(path: str) -> Mirror | None:
    """The mirror that a path lies in; None for any other path."""
    base = str(copies_folder())
    return _mirror_above(os.path.dirname(path)) if path.startswith(base + os.sep) else None


def bring(path: str) -> None:
    """Have a file here, if it lies in a mirror; nothing happens to other paths, nor if there is no such file.

    Raises:
        RemoteError: it cannot be read.
    """
    mirror = mirror_of(path)
    if mirror is not None:
        mirror.bring(path)


def describe_with(path: Path) -> None:
    """Have another file here that describes the data of a mirror, and keep it; nothing happens to other paths.

    Raises:
        RemoteError: it cannot be read.
    """
    mirror = mirror_of(str(path))
    if mirror is not None and not path.is_file():
        mirror.refresh(path.relative_to(mirror.folder).as_posix())


def fetch_anew(path: str) -> None:
    """Have a file as it is at its source now, if it lies in a mirror; nothing happens to other paths.

    Raises:
        RemoteError: it cannot be read.
    """
    mirror = mirror_of(path)
    if mirror is not None:
        Path(path).unlink(missing_ok=True)
        mirror.bring(path)


def shown(path: Path) -> str:
    """How messages name a file or folder: by its URL, if it lies in a mirror."""
    mirror = mirror_of(os.path.join(path, ""))
    if mirror is None:
        return str(path)
    inside = path.relative_to(mirror.folder).as_posix()
    return mirror.remote.url if inside == "." else f"{mirror.remote.url}/{inside}"


def _mirror_above(folder: str) -> Mirror | None:
    if folder not in _mirrors:
        # by its place alone: a file that calls itself a marker may have come from the server
        place = Path(*Path(folder).parts[: len(copies_folder().parts) + DEPTH])
        url = read_marker(place)["url"]
        if url:
            _mirrors[folder] = Mirror(place, RemoteFolder(url))
    return _mirrors.get(folder)
