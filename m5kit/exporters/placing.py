"""Puts the files of an exporter in their place once all of them are written: nobody finds half of one."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from m5kit.data.aside import naming
from m5kit.data.outputs import require_own_file
from m5kit.data.processes import handlers_held
from m5kit.data.remote.place import Place
from m5kit.evaluation.base import Embedded
from m5kit.exporters.base import Exporter
from m5kit.runs.json import sync_folder


def require_place(path: Path, items: Place | None = None) -> None:
    """Check, before hours of work, that a file can be put at ``path``; its folder is made if there is none.

    Args:
        path: of the file.
        items: what it is made from: a manifest, its folder, or a URL.

    Raises:
        DataError: there is a folder of that name, a pipe or a device, or the manifest of the items.
        OSError: its own folder can neither be found nor made, or may not be written.
    """
    require_own_file(path, items)
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming(path), _folder_beside(path):
        pass  # permissions, quotas and network drives are too many to ask for each


def export(exporter: Exporter, embedded: Embedded, path: Path) -> Sequence[Path]:
    """Write embeddings; what was at ``path`` before stays until they are written as a whole.

    Returns:
        Every file, ``path`` first.

    Raises:
        DataError: these embeddings cannot be written in this format.
    """
    placed = []
    with naming(path), _folder_beside(path) as aside:
        for file in exporter.write(embedded, aside / path.name):
            target = path.parent / file.relative_to(aside)
            _place(file, target)
            placed.append(target)
    sync_folder(path.parent)
    return placed


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A folder that goes at the end of the block, also where SIGTERM or Ctrl-C ends it."""
    with handlers_held():  # one that came while the folder is made or removed would leave it
        folder = TemporaryDirectory(prefix=f".{path.name[:32]}.", dir=path.parent)
    try:
        yield Path(folder.name)
    finally:
        with handlers_held():
            folder.cleanup()


def _place(file: Path, target: Path) -> None:
    if file.is_dir():  # some formats are folders, and only an empty one is replaced in one step
        shutil.rmtree(target, ignore_errors=True)
    else:
        with file.open("rb") as written:
            os.fsync(written.fileno())
    os.replace(file, target)
