"""Makes foreign media files part of a manifest's folder: by a link, by copying, or by unpacking."""

import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

from m5kit.data.importers.embedded import UNKNOWN
from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.walk import walk
from m5kit.data.links import link_leads_out, remember_link
from m5kit.errors import DataError

FOLDER, UNPACKED = "media", "unpacked"
SEVERAL = "\0"
"""Between an item and the number of its file: with a point, `a.0` would be the first file of `a` and an item `a.0`."""

LONGEST = 120
"""Bytes of an id in a file's name; with a digest and a suffix it stays below the 255 that file systems allow."""


class Media:
    """Finds the path, relative to the manifest's folder, of each file that a source names.

    Files below the manifest's folder stay where they are. For others one link to their folder is made, or each of them
    is copied.

    Args:
        out: the manifest's folder.
        base: the folder that the source's paths are relative to; a path that leaves it is refused.
        copy: copy instead of linking.
        name: of the link, or of the folder of copies.
        follow_links: whether links below ``base`` may lead out of it.
        report: counts files that are left out.
    """

    def __init__(
        self,
        out: Path,
        base: Path,
        copy: bool = False,
        name: str = FOLDER,
        *,
        follow_links: bool = False,
        report: ImportReport,
    ) -> None:
        self.out, self.base, self.copy = Path(os.path.abspath(out)), Path(os.path.abspath(base)), copy
        self.name, self.follow_links, self.report = name, follow_links, report
        self._inside = self.base.is_relative_to(self.out)
        self._linked = self._inside or copy

    def place(self, modality: str, source: object, name: str, number: int | None = None) -> str | None:
        """Where the file is in the manifest's folder, or None if there is no such file.

        Args:
            modality: of the file.
            source: its path, or the file itself.
            name: of the item.
            number: of the file, where the item has several.

        Raises:
            DataError: the value is no path, is an address, or leaves the folder.
        """
        if isinstance(source, Blob):
            return self._unpack(modality, source, name if number is None else f"{name}{SEVERAL}{number}")
        if not isinstance(source, str):
            raise DataError(f"item {name}: {modality}: expected a path, got {type(source).__name__}")
        if re.match(r"[a-z][a-z0-9+.]+://", source, re.IGNORECASE) or source.startswith("//"):
            raise DataError(
                f"item {name}: {modality}: {source} is an address; fetch the files first and map a column of paths"
            )
        place, sign, item = self._of_many(source)
        path = Path(os.path.normpath(self.base / place))
        if not path.is_relative_to(self.base):
            raise DataError(f"item {name}: {modality}: {source} is not below {self.base}; name its folder with --media")
        size = _size(path, folder=bool(sign))
        if size is None:
            if "\\" in source:
                self.report.leave_out(f"{modality}: paths with \\, which separates folders on Windows only", source)
            return None
        if not self._may_follow(path):
            self.report.leave_out(
                f"{modality}: links that lead out of {self.base} (--follow-links follows them)", source
            )
            return None
        if size == 0:
            self.report.notice(f"{modality}: files of 0 bytes", source)
        return self._refer(path) + sign + item

    def _of_many(self, source: str) -> tuple[str, str, str]:
        """``path#ID`` of features in parts; a file whose name holds a ``#`` is itself."""
        if "#" not in source or _size(self.base / source, folder=False) is not None:
            return source, "", ""
        return source.partition("#")

    def _may_follow(self, path: Path) -> bool:
        if not link_leads_out(path, self.base):
            return True
        if self.follow_links:
            # The owner allowed it here; decoders ask the same list when they open the file.
            remember_link(self.out, Path(os.path.realpath(path)).parent)
        return self.follow_links

    def _refer(self, path: Path) -> str:
        if self._inside:
            return path.relative_to(self.out).as_posix()
        inner = path.relative_to(self.base)
        if self.copy:
            self._copy(path, self.out / self.name / inner)
        elif not self._linked:
            self._link()
        return (Path(self.name) / inner).as_posix()

    def _copy(self, path: Path, target: Path) -> None:
        """Copy a file, or the folder of a pack without what leads out of it."""
        if not path.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            return
        for place, names in walk(path, self.follow_links, self.report.leave_out, hidden=()):
            for name in names:
                if (path / place / name).is_file():
                    self._copy(path / place / name, target / place / name)
                else:
                    self.report.leave_out("pipes, devices and links to nothing", path / place / name)

    def _link(self) -> None:
        link = self.out / self.name
        if link.is_symlink() and Path(os.path.realpath(link)) == self.base.resolve():
            remember_link(self.out, self.base)
            self._linked = True
            return
        if os.path.lexists(link):
            raise DataError(f"{link} is in the way of a link to {self.base}; remove it, or copy the files with --copy")
        link.symlink_to(self.base, target_is_directory=True)
        # Nothing else that leads out of a data folder is followed, so this link must be known as our own.
        remember_link(self.out, self.base)
        self._linked = True

    def _unpack(self, modality: str, blob: Blob, name: str) -> str | None:
        if not blob.data:
            self.report.leave_out(f"{modality}: files of 0 bytes", f"that of {name}")
            return None
        if blob.suffix == UNKNOWN:
            what = f"{modality}: files whose first bytes tell no kind of file, called {UNKNOWN}"
            self.report.notice(what, f"that of {name}")
        digest = hashlib.blake2b(name.encode(), digest_size=6).hexdigest()
        plain = _plain(name)
        stem = name if plain == name else f"{digest}-{plain}"
        # two letters of the digest as a folder: file systems dislike a million files in one
        target = self.out / UNPACKED / modality / digest[:2] / f"{stem}{blob.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blob.data)
        return target.relative_to(self.out).as_posix()


def _plain(name: str) -> str:
    """The end of an id as a file's name: letters, digits and a few signs, at most LONGEST bytes."""
    plain = re.sub(r"[^\w.-]", "_", name).lstrip(".")
    # File systems count bytes, of which a letter may have four.
    return plain.encode()[-LONGEST:].decode("utf-8", "ignore")


def _size(path: Path, folder: bool) -> int | None:
    """Bytes of a file or, for one of many items, of the folder of a pack; None for all else, and if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a text that can be no name
        return None
    known = stat.S_ISREG(status.st_mode) or (folder and stat.S_ISDIR(status.st_mode))
    return status.st_size if known else None
