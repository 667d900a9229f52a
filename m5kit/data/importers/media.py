"""Makes foreign media files part of a manifest's folder: by a link, by copying, or by unpacking."""

import hashlib
import os
import re
import shutil
from pathlib import Path

from m5kit.data.importers.columns import Blob
from m5kit.errors import DataError

FOLDER, UNPACKED = "media", "unpacked"


class Media:
    """Finds the path, relative to the manifest's folder, of each file that a source names.

    Files below the manifest's folder stay where they are. For others one link to their folder is made, or each of them
    is copied.

    Args:
        out: the manifest's folder.
        base: the folder that the source's paths are relative to; a path that leaves it is refused.
        copy: copy instead of linking.
        name: of the link, or of the folder of copies.
    """

    def __init__(self, out: Path, base: Path, copy: bool = False, name: str = FOLDER) -> None:
        self.out, self.base, self.copy = Path(os.path.abspath(out)), Path(os.path.abspath(base)), copy
        self.name = name
        self._inside = self.base.is_relative_to(self.out)
        self._linked = self._inside or copy

    def place(self, modality: str, source: object, name: str) -> str | None:
        """Where the file is in the manifest's folder, or None if there is no such file.

        Raises:
            DataError: the value is no path, is an address, or leaves the folder.
        """
        if isinstance(source, Blob):
            return self._unpack(modality, source, name)
        if not isinstance(source, str):
            raise DataError(f"item {name}: {modality}: expected a path, got {type(source).__name__}")
        if re.match(r"[a-z][a-z0-9+.]+://", source) or source.startswith("//"):
            raise DataError(
                f"item {name}: {modality}: {source} is an address; fetch the files first and map a column of paths"
            )
        path = Path(os.path.normpath(self.base / source))
        if not path.is_relative_to(self.base):
            raise DataError(f"item {name}: {modality}: {source} is not below {self.base}; name its folder with --media")
        return self._refer(path) if path.is_file() else None

    def _refer(self, path: Path) -> str:
        if self._inside:
            return path.relative_to(self.out).as_posix()
        inner = path.relative_to(self.base)
        if self.copy:
            target = self.out / self.name / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        elif not self._linked:
            self._link()
        return (Path(self.name) / inner).as_posix()

    def _link(self) -> None:
        link = self.out / self.name
        if link.is_symlink() and Path(os.path.realpath(link)) == self.base.resolve():
            self._linked = True
            return
        if os.path.lexists(link):
            raise DataError(f"{link} is in the way of a link to {self.base}; remove it, or copy the files with --copy")
        link.symlink_to(self.base, target_is_directory=True)
        self._linked = True

    def _unpack(self, modality: str, blob: Blob, name: str) -> str:
        digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
        plain = re.sub(r"[^\w.-]", "_", name)[-80:]
        stem = name if plain == name and not name.startswith(".") else f"{digest}-{plain.lstrip('.')}"
        # two letters of the digest as a folder: file systems dislike a million files in one
        target = self.out / UNPACKED / modality / digest[:2] / f"{stem}{blob.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blob.data)
        return target.relative_to(self.out).as_posix()
