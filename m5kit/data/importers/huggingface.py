"""Rows of a folder that ``datasets`` saved with ``save_to_disk``: Arrow streams, and JSON files that describe them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.data.files import UNBOUNDED, find_file
from m5kit.data.importers.arrow_rows import ColumnTypes, read_batch, require_names
from m5kit.data.importers.class_names import class_names
from m5kit.data.importers.reading import PLACE, Reading, Row
from m5kit.data.json_values import parse_json
from m5kit.errors import DataError, DecodeError

SPLITS, STATE, ABOUT = "dataset_dict.json", "state.json", "dataset_info.json"
"""Files of the library: the splits of a folder; the data files of one of them, and what its columns are."""

LARGEST_JSON = 2**28
"""Bytes; millions of class names fit."""

END = bytes(4)
"""The last bytes of an Arrow stream; without them the rest of one that was cut would be missed by nobody."""


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; of a dataset with several splits each row has its own under ``split``.

    Media are taken as they are stored, and class numbers become class names. The library itself is not needed: it would
    decode media, and follow damaged lengths to memory that is not there.

    Raises:
        DataError: no such folder, or a damaged one.
    """
    types = ColumnTypes(reading)
    for split in _splits(source, reading):
        folder, count = source / split, 0
        for row in _rows(source, split, reading, types):
            if split and not count and "split" in row:
                reading.report.notice("splits whose rows name another in their column split, which counts", split)
            yield {"split": split, **row, PLACE: str(folder)}
            count += 1
        if not count:
            reading.report.notice("splits without any row", split or source)


def _rows(source: Path, split: str, reading: Reading, types: ColumnTypes) -> Iterator[Row]:
    names = {}
    for column, feature in _features(source, split, reading).items():
        wanted = reading.columns is None or column in reading.columns
        if wanted and (to_names := class_names(feature, column, reading.report)):
            names[column] = to_names
    for file in _data_files(source, split, reading):
        for batch in _batches(file, types):
            for values in read_batch(batch, file, reading.columns):
                yield {**values, **{key: to_names(values[key]) for key, to_names in names.items() if key in values}}


def _batches(file: Path, types: ColumnTypes) -> Iterator[Any]:
    import pyarrow
    import pyarrow.ipc

    try:
        with pyarrow.memory_map(str(file)) as mapped:
            whole = mapped.read_at(len(END), max(mapped.size() - len(END), 0)) == END
            with pyarrow.ipc.open_stream(mapped) as stream:
                require_names(file, stream.schema.names)
                types.look_at(stream.schema, file)
                yield from stream
        if not whole:
            raise DataError(f"{file} is cut short: it does not end as an Arrow stream does")
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{file} is no Arrow stream, or is damaged: {error}") from error


def _splits(source: Path, reading: Reading) -> list[str]:
    """The folders of a saved dataset's splits; an empty name for one without."""
    if not (source / SPLITS).is_file():
        return [""]
    names = _read(source, SPLITS, reading).get("splits")
    if not isinstance(names, list):
        raise DataError(f"{source / SPLITS}: splits is no list of names")
    if strange := [name for name in names if not isinstance(name, str) or Path(name).name != name]:
        raise DataError(f"{source / SPLITS}: {strange[0]!r} is no name of a folder beside it")
    _require_once(source / SPLITS, names)
    for name in names:
        if not (source / name).is_dir():
            raise DataError(f"{source / SPLITS} names the split {name}, and there is no such folder beside it")
    for other in sorted({path.parent.name for path in source.glob(f"*/{STATE}")} - set(names)):
        reading.report.leave_out(f"folders of rows that {SPLITS} does not name", other)
    return names


def _data_files(source: Path, split: str, reading: Reading) -> list[Path]:
    """The files that hold the rows of a split.

    Raises:
        DataError: no folder of the library, a file elsewhere, or rows in another order than that of the files.
    """
    folder, state = source / split, _read(source, f"{split}/{STATE}", reading)
    if state.get("_indices_data_files") or state.get("_indices_files"):  # early versions
        raise DataError(f"{folder} holds a choice of rows of its files; save it anew after flatten_indices()")
    entries = state.get("_data_files")
    if not isinstance(entries, list):
        raise DataError(f"{folder / STATE}: _data_files is no list")
    files = []
    for entry in entries:
        name = entry.get("filename") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or Path(name).name != name:
            raise DataError(f"{folder / STATE}: {name!r} is no file of its folder")
        files.append(_find(source, f"{split}/{name}", reading))
    _require_once(folder / STATE, [file.name for file in files])
    for other in sorted({path.name for path in folder.glob("*.arrow")} - {file.name for file in files}):
        reading.report.leave_out(f".arrow files that {STATE} does not name", f"{split}/{other}".lstrip("/"))
    if not split and isinstance(state.get("_split"), str):
        reading.report.notes.append(
            f"{STATE} calls these rows the split {state['_split']}; --split-by {state['_split']}=1 names them so"
        )
    return files


def _require_once(place: Path, names: Sequence[str]) -> None:
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise DataError(f"{place} names {twice[0]} twice; its rows would come twice")


def _features(source: Path, split: str, reading: Reading) -> Mapping[str, Any]:
    if not (source / split / ABOUT).exists():
        return {}
    features = _read(source, f"{split}/{ABOUT}", reading).get("features")
    return features if isinstance(features, Mapping) else {}


def _find(source: Path, name: str, reading: Reading) -> Path:
    try:
        return find_file(name.lstrip("/"), source, UNBOUNDED, reading.follow_links)
    except DecodeError as error:
        raise DataError(f"{source}: {error}") from error


def _read(source: Path, name: str, reading: Reading) -> Mapping[str, Any]:
    path = source / name.lstrip("/")
    try:
        found = parse_json(find_file(name.lstrip("/"), source, LARGEST_JSON, reading.follow_links).read_text("utf-8"))
    except (DecodeError, OSError, ValueError) as error:
        raise DataError(
            f"{path.parent} was not saved with save_to_disk: cannot read {path.name} ({error}); files as they come "
            "from the hub are imported with data import parquet, csv or webdataset"
        ) from error
    if not isinstance(found, Mapping):
        raise DataError(f"{path} is no JSON object")
    return found
