"""Imports any source whose rows have columns."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from m5kit.data.importers.asked import AskedColumns
from m5kit.data.importers.columns import IN_THE_ROW, ColumnMapping
from m5kit.data.importers.kinds import Kinds
from m5kit.data.importers.media import Media
from m5kit.data.importers.reading import PLACE, Reading, Row
from m5kit.data.importers.report import ImportReport, MissingList
from m5kit.data.importers.spellings import MOST, Spellings, Twins
from m5kit.data.importers.writer import Format, ManifestWriter
from m5kit.data.manifest_rows import LONGEST_ID, MODALITIES
from m5kit.data.several import each_value, single_if_alone
from m5kit.errors import DataError

LOOSE = ("webdataset", "folder")
"""Sources whose rows need not all have the same columns."""

TARS = (
    "; members of an item must follow each other in their tar file (tar --sort=name), no two tar files may hold the "
    "same key, and a key ends at the first dot of a name"
)


def import_source(
    kind: str,
    source: Path,
    out: Path,
    columns: ColumnMapping,
    *,
    media: Path | None = None,
    copy: bool = False,
    format: Format = "jsonl",  # noqa: A002
    delimiter: str | None = None,
    quotes: bool | None = None,
    follow_links: bool = False,
    encoding: str | None = None,
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
        delimiter: what stands between the columns of CSV; None for a tab in ``.tsv`` and a comma elsewhere.
        quotes: whether cells of CSV may stand in quotation marks; None for no in ``.tsv`` and yes elsewhere.
        follow_links: whether links may lead out of the source's or the media's folder.
        encoding: of CSV; None for UTF-8.

    Raises:
        DataError: the source cannot be read, a column is not there, an id comes twice, or nothing was imported.
    """
    _require_places(source, media)
    base = media or (source if source.is_dir() else source.parent)
    # the usual ones first, and in their order, so that manifests of different sources look alike
    modalities = tuple(dict.fromkeys((*MODALITIES, *columns.modalities)))
    with ManifestWriter(out, format, modalities, columns.extra, columns.several) as writer:
        report = ImportReport(writer.path)
        reading = Reading(report, delimiter, quotes, follow_links, encoding, columns.several, columns.used)
        rows = import_module(f"m5kit.data.importers.{kind}").read_rows(source, reading)
        with MissingList(report) as missing:
            files = Media(out, base, copy, follow_links=follow_links, report=report)
            checked = AskedColumns(columns, source, fixed=kind not in LOOSE, report=report).checked(rows)
            for item in _items(checked, columns, report):
                _place_media(item, columns, files, missing)
                # after the media were placed: an item may have lost its only file
                if any(item.get(modality) is not None for modality in modalities):
                    writer.add(item)
                    report.count(item, modalities)
                else:
                    report.pass_over("no modality", item["id"])
        if not report.items:
            raise DataError(
                f"no row of {source} became an item; is the right column mapped to the right modality?{report.losses()}"
            )
    report.check_presence(columns.asked)
    _note_new_modalities(columns, report)
    _warn_of_empty_columns(columns, report)
    _warn_of_empty_splits(columns, report)
    return report


def _require_places(source: Path, media: Path | None) -> None:
    if not source.exists():
        raise DataError(f"there is no {source}; name the file or folder to import")
    if not (source.is_file() or source.is_dir()):
        raise DataError(f"{source} is no regular file and no folder")  # reading a pipe would wait for its other end
    if media is not None and not media.is_dir():
        raise DataError(f"there is no folder {media}; --media names the folder that paths are relative to")


def _note_new_modalities(columns: ColumnMapping, report: ImportReport) -> None:
    """Shipped configs read the usual modalities only, so ``sound`` for ``audio`` would be left out by all of them."""
    for modality in columns.modalities:
        if modality not in MODALITIES:
            report.notes.append(
                f"{modality} is none of {', '.join(MODALITIES)}; "
                f"a config that reads it has an input_{modality} and an encoder_{modality}"
            )


def _warn_of_empty_columns(columns: ColumnMapping, report: ImportReport) -> None:
    """Of a modality, the columns that are a choice may be empty; what is asked for by name should not be."""
    asked = (*columns.table, *columns.labels.values(), *columns.extra)
    for column in dict.fromkeys(asked):
        if column not in report.filled:
            report.warnings.append(f"no row has a value in the column {column}")


def _warn_of_empty_splits(columns: ColumnMapping, report: ImportReport) -> None:
    for name in columns.shares.keys() - report.splits.keys():
        report.warnings.append(f"no item was drawn for the split {name}: there are few of them, and its share is small")


def _items(rows: Iterable[Row], columns: ColumnMapping, report: ImportReport) -> Iterator[dict[str, Any]]:
    hashes: set[int] = set()
    trimmed: dict[str, str] = {}
    twins = Twins(hashes, report.notice)
    spellings, kinds = Spellings(report.notice), Kinds(report.notice)
    for number, row in enumerate(rows, start=1):
        item = columns.item(row, number, report)
        if len(item["id"]) > LONGEST_ID:
            size = f"has {len(item['id']):,} characters, more than {LONGEST_ID:,}"
            raise DataError(f"row {number}: the id {item['id'][:40]!r}... {size}; name a column of ids with --id")
        # eight bytes an id and not its text; two of 64 bits that are equal by chance are refused as a repetition
        key = hash(item["id"])
        given = str(row.get(columns.id or "id", row.get("__key__", item["id"])))
        if key in hashes:
            raise _repeated(item["id"], number, row, trimmed.get(item["id"], given))
        if given != item["id"] and len(trimmed) < MOST:
            trimmed[item["id"]] = given
        twins.look_at(item["id"])
        hashes.add(key)
        spellings.look_at("split", item["split"])
        for label, name in (item["labels"] or {}).items():
            spellings.look_at(f"label {label}", name)
        for modality in columns.modalities.keys() | {"table"}:
            if isinstance(item.get(modality), dict):
                kinds.look_at(item[modality])
        yield item


def _repeated(name: str, number: int, row: Row, given: str) -> DataError:
    if given.strip() == name != given:
        why = f"one of them is written {given!r}, and spaces around a name are no part of it; rename one of the two"
        return DataError(f"row {number}: the id {name!r} came before: {why}")
    place = f" of {row[PLACE]}" if PLACE in row else ""
    hint = TARS if "__key__" in row else ""
    if place and not hint:
        hint = "; where each file or split numbers its items anew, write its name in front of them"
    return DataError(f"row {number}{place}: the id {name!r} came before; name a column of unique ids with --id{hint}")


def _place_media(item: dict[str, Any], columns: ColumnMapping, files: Media, missing: MissingList) -> None:
    for modality in columns.modalities:
        if modality in IN_THE_ROW or modality in columns.values or item[modality] is None:
            continue
        values = each_value(item[modality])
        placed = []
        for number, value in enumerate(values):
            path = files.place(modality, value, item["id"], number if len(values) > 1 else None)
            if path is None:
                missing.add(modality, item["id"], value)
            else:
                placed.append(path)
        item[modality] = single_if_alone(placed) if placed else None
