"""Rows of a folder whose sub-folders are classes: ``CLASS/NAME.jpg`` or ``SPLIT/CLASS/NAME.jpg``."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from m5kit.data.importers.columns import Row
from m5kit.errors import DataError

SUFFIXES = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    "video": (".mp4", ".webm", ".mov", ".avi", ".mkv"),
    "audio": (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".opus"),
    "text": (".txt",),
    "table": (".json",),
}
KINDS = {suffix: modality for modality, suffixes in SUFFIXES.items() for suffix in suffixes}
DEPTH = 2


@dataclass(frozen=True, slots=True)
class FolderItem:
    """The files of one item.

    Attributes:
        id: path below the source, without the ending.
        category: name of the folder that holds it.
        split: name of the folder above that; empty if there is none.
        files: path below the source by modality.
    """

    id: str
    category: str
    split: str
    files: Mapping[str, str]


def find_items(source: Path) -> Iterator[FolderItem]:
    """All files of a class that differ in their suffix only, as one item; no file is opened.

    Raises:
        DataError: no folder, two files of one kind for one item, or deeper folders.
    """
    if not source.is_dir():
        raise DataError(f"{source} is no folder; expected one with a sub-folder for each class")
    for folder, below, names in os.walk(source):
        below.sort()
        place = Path(folder).relative_to(source)
        files = sorted(name for name in names if Path(name).suffix.lower() in KINDS)
        if files and not 1 <= len(place.parts) <= DEPTH:
            raise DataError(f"{Path(folder) / files[0]} is not in CLASS/ or SPLIT/CLASS/ below {source}")
        for stem, group in groupby(files, key=lambda name: Path(name).stem):
            split = place.parts[0] if len(place.parts) == DEPTH else ""
            yield FolderItem((place / stem).as_posix(), place.name, split, _files(source, place, stem, list(group)))


def read_rows(source: Path) -> Iterator[Row]:
    """One row an item.

    Its columns: ``id``, ``class``, ``split`` (if there are two levels), ``image``, ``video``, ``audio``, ``text`` (what
    is in the ``.txt``) and ``table`` (what is in the ``.json``).

    Raises:
        DataError: no folder, two files of one kind for one item, or deeper folders.
    """
    for item in find_items(source):
        row: dict[str, Any] = {"id": item.id, "class": item.category} | ({"split": item.split} if item.split else {})
        for modality, name in item.files.items():
            read = modality in ("text", "table")
            row[modality] = (source / name).read_text(encoding="utf-8") if read else name
        yield row


def _files(source: Path, place: Path, stem: str, names: list[str]) -> dict[str, str]:
    files: dict[str, str] = {}
    for name in names:
        modality = KINDS[Path(name).suffix.lower()]
        if modality in files:
            raise DataError(f"{source / place} holds two files of {modality} for {stem}; give them names of their own")
        files[modality] = (place / name).as_posix()
    return files
