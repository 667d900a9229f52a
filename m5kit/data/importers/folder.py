"""Rows of a folder whose sub-folders are classes: ``CLASS/NAME.jpg`` or ``SPLIT/CLASS/NAME.jpg``."""

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.data.files import find_file
from m5kit.data.importers.reading import Reading, Row
from m5kit.data.importers.tables import read_json
from m5kit.data.importers.walk import LeftOut, walk
from m5kit.data.json_values import parse_json
from m5kit.data.marked_text import decode_text
from m5kit.data.several import each_value, single_if_alone
from m5kit.errors import DataError, DecodeError

log = logging.getLogger("m5kit")  # whose repeated warnings a command says once

SUFFIXES = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    "video": (".mp4", ".webm", ".mov", ".avi", ".mkv"),
    "audio": (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".opus"),
    "text": (".txt",),
    "table": (".json",),
}
KINDS: dict[str, str] = {}
for _modality, _suffixes in SUFFIXES.items():
    KINDS |= dict.fromkeys(_suffixes, _modality)
NUMBER = re.compile(r"(.+)\.(\d+)")
"""The name of a file that is one of several of an item."""

DEPTH = 2
LONGEST_TEXT = 16 * 2**20
"""Bytes of a text or a table."""

UNKNOWN = "files whose ending names no modality"


@dataclass(frozen=True, slots=True)
class FolderItem:
    """The files of one item.

    Attributes:
        id: path below the source, without the ending.
        category: name of the folder that holds it.
        split: name of the folder above that; empty if there is none.
        files: path below the source by modality; a list of them where there are several.
    """

    id: str
    category: str
    split: str
    files: Mapping[str, str | list[str]]


def find_items(
    source: Path,
    follow_links: bool = False,
    left_out: LeftOut = lambda reason, path: None,
    several: Collection[str] = (),
) -> Iterator[FolderItem]:
    """All files of a class that differ in their suffix only, as one item; no file is opened.

    Args:
        source: the folder.
        follow_links: also what links out of it lead to; links inside of it are always followed.
        left_out: is told what becomes part of no item.
        several: modalities of which an item may have several files, ``NAME.0.jpg`` and ``NAME.1.jpg``.

    Raises:
        DataError: no folder, two files of one kind for one item, or deeper folders.
    """
    if not source.is_dir():
        raise DataError(f"{source} is no folder; expected one with a sub-folder for each class")
    for place, names in walk(source, follow_links, left_out):
        files = [name for name in names if _is_known(name, place, left_out)]
        if files and not 1 <= len(place.parts) <= DEPTH:
            raise DataError(f"{source / place / files[0]} is not in CLASS/ or SPLIT/CLASS/ below {source}")
        numbered = _Numbered(several)
        split = place.parts[0] if len(place.parts) == DEPTH else ""
        for stem, group in numbered.groups(files).items():
            yield FolderItem((place / stem).as_posix(), place.name, split, _files(source, place, stem, group))


def _is_known(name: str, place: Path, left_out: LeftOut) -> bool:
    """Whether a file is one of an item; a README.txt beside the folders of classes is none."""
    modality = KINDS.get(Path(name).suffix.lower())
    if modality is not None and (place.parts or modality not in ("text", "table")):
        return True
    left_out(UNKNOWN if modality is None else "texts and tables beside the folders of classes", place / name)
    return False


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row an item.

    Its columns: ``id``, ``class``, ``split`` (if there are two levels), ``image``, ``video``, ``audio``, ``text`` (what
    is in the ``.txt``) and ``table`` (what is in the ``.json``).

    Raises:
        DataError: no folder, two files of one kind for one item, or deeper folders.
    """
    report = reading.report
    for item in find_items(source, reading.follow_links, report.leave_out, reading.several):
        row: dict[str, Any] = {"id": item.id, "class": item.category} | ({"split": item.split} if item.split else {})
        for modality, name in item.files.items():
            if modality not in ("text", "table"):
                row[modality] = name
                continue
            values = [_read_value(source, modality, each, reading) for each in each_value(name)]
            if read := [value for value in values if value is not None]:
                row[modality] = single_if_alone(read)
        yield row


def _read_value(source: Path, modality: str, name: str, reading: Reading) -> Any:
    """What a file of text or JSON says; None for one that is left out."""
    report = reading.report
    try:
        text, whole = read_text(source, name, reading.follow_links)
        value = read_json(text, modality, name, report) if modality == "table" else text
    except (DecodeError, OSError, ValueError) as error:  # OSError: it may not be read
        report.leave_out(f"{modality}: files that cannot be read", f"{name}: {error}")
        return None
    if not whole:
        report.change("bytes of texts that are not UTF-8 became \ufffd", name)
    if modality == "table" and not (isinstance(value, Mapping) and value):
        report.leave_out(f"{modality}: files of JSON that hold no properties and values", name)
        return None
    if not value:
        report.leave_out(f"{modality}: files of a byte order mark alone", name)
        return None
    return value


def read_text(root: Path, name: str, follow_links: bool) -> tuple[str, bool]:
    """What a text file says, and whether all of it is text, as :func:`decode_text` has it.

    Raises:
        DecodeError: it is outside of ``root``, no regular file, empty, or too long.
    """
    return decode_text(find_file(name, root, LONGEST_TEXT, follow_links).read_bytes())


def read_source(root: Path, name: str, is_json: bool, follow_links: bool) -> Any:
    """What a file of text or JSON says to a manifest; what cannot be read is handed on for the decoder to refuse."""
    try:
        text, whole = read_text(root, name, follow_links)
    except DecodeError as error:
        # The decoder of texts and tables opens no file; it must refuse this item, with the reason.
        return error
    if not whole:
        told = f"{root}: bytes of texts that are not UTF-8 became \ufffd"
        log.warning("%s, as in %s; others that have such bytes are not named", told, name, extra={"once": told})
    try:
        return parse_json(text) if is_json else text
    except ValueError:
        return text


def _files(source: Path, place: Path, stem: str, names: list[str]) -> dict[str, str | list[str]]:
    files: dict[str, list[str]] = {}
    for name in names:
        modality = KINDS[Path(name).suffix.lower()]
        if modality in files and Path(name).stem == stem:
            raise DataError(f"{source / place} holds two files of {modality} for {stem}; give them names of their own")
        files.setdefault(modality, []).append((place / name).as_posix())
    return {modality: single_if_alone(paths) for modality, paths in files.items()}


@dataclass(frozen=True, slots=True)
class _Numbered:
    """Tells the items of file names, some of which are numbered in front of the ending.

    Attributes:
        several: the modalities of such files.
    """

    several: Collection[str]

    def groups(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The files of each item by what their names share, in the order of their numbers."""
        found: dict[str, list[str]] = {}
        for name in names:
            found.setdefault(self.place(name)[0], []).append(name)
        return {stem: sorted(group, key=self.place) for stem, group in found.items()}

    def place(self, name: str) -> tuple[str, int]:
        """The item of a file, and its number; 10 comes behind 9."""
        path = Path(name)
        found = NUMBER.fullmatch(path.stem) if KINDS[path.suffix.lower()] in self.several else None
        return (found[1], int(found[2])) if found else (path.stem, -1)
