"""Imports any source whose rows have columns."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from m5kit.data.importers.columns import ColumnMapping, Row
from m5kit.data.importers.media import Media
from m5kit.data.importers.report import ImportReport, MissingList
from m5kit.data.importers.writer import Format, ManifestWriter
from m5kit.data.manifest_rows import MODALITIES
from m5kit.errors import DataError

LOOSE = ("webdataset", "folder")
"""Sources whose rows need not all have the same columns."""


def import_source(
    kind: str,
    source: Path,
    out: Path,
    columns: ColumnMapping,
    *,
    media: Path | None = None,
    copy: bool = False,
    format: Format = "jsonl",  # noqa: A002
) -> ImportReport:
    """Write a manifest of what a source holds, and ``missing.tsv`` if files are missing.

    Args:
        kind: one of ``SOURCES``.
        source: a file or folder.
        out: the manifest's folder.
        columns: what is what.
        media: the folder that paths are relative to; the source's own if None.
        copy: copy media instead of linking their folder.
        format: of the manifest.

    Raises:
        DataError: the source cannot be read, a column is not there, an id comes twice, or nothing was imported.
    """
    if not source.exists():
        raise DataError(f"there is no {source}; name the file or folder to import")
    rows = import_module(f"m5kit.data.importers.{kind}").read_rows(source)
    base = media or (source if source.is_dir() else source.parent)
    modalities = tuple(dict.fromkeys((*MODALITIES, *columns.modalities)))
    with ManifestWriter(out, format, modalities) as writer:
        report = ImportReport(writer.path)
        with MissingList(report) as missing:
            files = Media(out, base, copy)
            for item in _items(_checked(rows, columns.named, kind not in LOOSE, source), columns):
                _place_media(item, files, missing)
                if any(item.get(modality) is not None for modality in modalities):
                    writer.add(item)
                    report.count(item, modalities)
                else:
                    report.passed_over["no modality"] += 1
        if not report.items:
            raise DataError(f"no row of {source} became an item; is the right column mapped to the right modality?")
    return report


def _checked(rows: Iterable[Row], named: set[str], fixed: bool, source: Path) -> Iterator[Row]:
    """The same rows, once it is sure that the columns are there: at the first row if all have the same."""
    unseen, seen = set(named), set[str]()
    for row in rows:
        if unseen:
            unseen -= row.keys()
            seen |= row.keys()
            if unseen and fixed:
                break
        yield row
    if unseen:
        asked = ", ".join(sorted(unseen))
        raise DataError(f"{source} has no column {asked}; it has {', '.join(sorted(seen)) or 'none at all'}")


def _items(rows: Iterable[Row], columns: ColumnMapping) -> Iterator[dict[str, Any]]:
    hashes: set[int] = set()
    for number, row in enumerate(rows, start=1):
        item = columns.item(row, number)
        key = hash(item["id"])
        if key in hashes:
            raise DataError(f"row {number}: the id {item['id']!r} came before; name a column of unique ids with --id")
        hashes.add(key)
        yield item


def _place_media(item: dict[str, Any], files: Media, missing: MissingList) -> None:
    for modality in [name for name in item if name not in ("id", "split", "labels", "text", "table")]:
        if item[modality] is None:
            continue
        path = files.place(modality, item[modality], item["id"])
        if path is None:
            missing.add(modality, item["id"], item[modality])
        item[modality] = path
