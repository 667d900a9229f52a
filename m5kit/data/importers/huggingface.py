"""Rows of a folder that ``datasets`` saved with ``save_to_disk``: Arrow streams, and JSON files that describe them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from m5kit.data.importers.arrow_rows import read_batch
from m5kit.data.importers.reading import PLACE, Reading, Row
from m5kit.data.importers.report import ImportReport
from m5kit.data.json_values import parse_json
from m5kit.data.links import link_leads_out
from m5kit.errors import DataError

ToNames: TypeAlias = Callable[[Any], Any]

SPLITS, STATE, ABOUT = "dataset_dict.json", "state.json", "dataset_info.json"
"""Files of the library: the splits of a folder; the data files of one of them, and what its columns are."""

END = bytes(4)
"""The last bytes of an Arrow stream; without them the rest of one that was cut would be missed by nobody."""


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; of a dataset with several splits each row has its own under ``split``.

    Media are taken as they are stored, and class numbers become class names. The library itself is not needed: it would
    decode media, and follow damaged lengths to memory that is not there.

    Raises:
        DataError: no such folder, or a damaged one.
    """
    for split in _splits(source):
        folder, count = source / split, 0
        for row in _rows(folder, reading):
            if split and not count and "split" in row:
                reading.report.notice("splits whose rows name another in their column split, which counts", split)
            yield {"split": split, **row, PLACE: str(folder)}
            count += 1
        if not count:
            reading.report.notice("splits without any row", split or source)


def _rows(folder: Path, reading: Reading) -> Iterator[Row]:
    names = {}
    for column, feature in _features(folder).items():
        if to_names := _class_names(feature, column, reading.report):
            names[column] = to_names
    for file in _data_files(folder, reading.follow_links):
        for batch in _batches(file):
            for values in read_batch(batch, file):
                yield {**values, **{key: to_names(values[key]) for key, to_names in names.items() if key in values}}


def _batches(file: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.ipc

    try:
        with pyarrow.memory_map(str(file)) as mapped:
            whole = mapped.read_at(len(END), max(mapped.size() - len(END), 0)) == END
            with pyarrow.ipc.open_stream(mapped) as stream:
                yield from stream
        if not whole:
            raise DataError(f"{file} is cut short: it does not end as an Arrow stream does")
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{file} is no Arrow stream, or is damaged: {error}") from error


def _splits(source: Path) -> list[str]:
    """The folders of a saved dataset's splits; an empty name for one without."""
    if not (source / SPLITS).is_file():
        return [""]
    names = _read(source / SPLITS).get("splits")
    if not isinstance(names, list):
        raise DataError(f"{source / SPLITS}: splits is no list of names")
    if strange := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise DataError(f"{source / SPLITS}: {strange[0]!r} is no name of a folder beside it")
    return names


def _data_files(folder: Path, follow_links: bool) -> list[Path]:
    """The files that hold the rows of a split.

    Raises:
        DataError: no folder of the library, a file elsewhere, or rows in another order than that of the files.
    """
    state = _read(folder / STATE)
    if state.get("_indices_data_files") or state.get("_indices_files"):  # early versions
        raise DataError(f"{folder} holds a choice of rows of its files; save it anew after flatten_indices()")
    files, entries = [], state.get("_data_files")
    if not isinstance(entries, list):
        raise DataError(f"{folder / STATE}: _data_files is no list")
    for entry in entries:
        name = entry.get("filename") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or (not follow_links and link_leads_out(folder / name, folder)):
            raise DataError(f"{folder / STATE}: {name!r} is no file of its folder")
        files.append(folder / name)
    return files


def _features(folder: Path) -> Mapping[str, Any]:
    features = _read(folder / ABOUT).get("features") if (folder / ABOUT).is_file() else None
    return features if isinstance(features, Mapping) else {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path.parent} was not saved with save_to_disk: cannot read {path.name} ({error}); files as they come "
            "from the hub are imported with data import parquet, csv or webdataset"
        ) from error
    if not isinstance(found, Mapping):
        raise DataError(f"{path} is no JSON object")
    return found


def _class_names(feature: Any, column: str, report: ImportReport) -> ToNames | None:
    """How numbers of classes become names, in a column of them, or of lists or tables of them; None for others.

    Args:
        feature: as the library writes it: ``{"_type": "ClassLabel", "names": [...]}``, ``{"feature": ...}`` or
            ``[feature]`` for a list, and a dict of further features for a table.
        column: for messages.
        report: counts numbers that stand for no class.
    """
    if isinstance(feature, list) and feature:
        return _in_lists(_class_names(feature[0], column, report))
    if not isinstance(feature, Mapping):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names") or []
        return lambda value: _class_name(names, value, column, report)
    if isinstance(feature.get("_type"), str):
        return _in_lists(_class_names(feature.get("feature"), column, report))
    inside = {key: _class_names(inner, f"{column}.{key}", report) for key, inner in feature.items()}
    return _in_tables({key: to_names for key, to_names in inside.items() if to_names})


def _in_lists(to_names: ToNames | None) -> ToNames | None:
    if to_names is None:
        return None
    return lambda values: [to_names(value) for value in values] if isinstance(values, list) else values


def _in_tables(inside: Mapping[str, ToNames]) -> ToNames | None:
    def to_names(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {key: inside[key](value) if key in inside else value for key, value in table.items()}

    return to_names if inside else None


def _class_name(names: list[str], value: int | None, column: str, report: ImportReport) -> str | None:
    if value is None:
        return None
    if value < 0:  # the library's way to say that nobody knows
        report.leave_out(f"{column}: classes of number -1, which stands for none", value)
        return None
    if value >= len(names):
        raise DataError(f"column {column} holds the class {value}, and only {len(names)} have names")
    return str(names[value])
