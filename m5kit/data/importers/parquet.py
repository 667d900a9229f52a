"""Rows of a Parquet file, or of all Parquet files in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m5kit.data.importers.embedded import unpacked
from m5kit.data.importers.reading import PLACE, Reading, Row
from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError

BATCH = 1024


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; a column of bytes, or of ``{bytes, path}``, is media.

    Folders called ``COLUMN=VALUE``, as Hive and Spark write them, are a column too.

    Raises:
        DataError: not Parquet, two columns of one name, or there is no such file in the folder.
    """
    import pyarrow
    import pyarrow.parquet

    files = _find(source, reading.report) if source.is_dir() else [source]
    if not files:
        raise DataError(f"there is no .parquet file in {source}")
    for path in files:
        # What stands in a folder's name stands in no row; the file's own column of that name goes before it.
        given = _partitions(path.relative_to(source)) if path != source else {}
        try:
            opened = pyarrow.parquet.ParquetFile(path)
            _check_names(path, opened.schema_arrow.names)
            for batch in opened.iter_batches(BATCH):
                for row in batch.to_pylist():
                    values = {key: unpacked(value) for key, value in row.items()}
                    yield {**given, **values, PLACE: str(path)}
        # A time finer than microseconds, or beyond year 9999, is a ValueError or an OverflowError.
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
            raise DataError(f"cannot read {path} as Parquet: {error}") from error


def _find(folder: Path, report: ImportReport) -> list[Path]:
    """Its Parquet files in order, without hidden ones, which Spark and editors leave behind."""
    found = []
    for path in sorted(folder.rglob("*.parquet")):
        inner = path.relative_to(folder)
        if any(part.startswith((".", "_")) for part in inner.parts):
            report.leave_out("hidden files (beginning with . or _)", inner)
        elif path.is_file():
            found.append(path)
    return found


def _partitions(path: Path) -> dict[str, Any]:
    given = {}
    for part in path.parts[:-1]:
        column, sign, value = part.partition("=")
        if sign:
            given[column] = value
    return given


def _check_names(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path} has several columns called {twice[0]!r}; give each a name of its own")
