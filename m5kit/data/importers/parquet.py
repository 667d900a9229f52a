"""Rows of a Parquet file, or of all Parquet files in a folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from m5kit.data.importers.arrow_rows import ColumnTypes, read_batch, require_names
from m5kit.data.importers.reading import PLACE, Reading, Row
from m5kit.data.importers.shards import find_shards
from m5kit.errors import DataError

ENDINGS = (".parquet", ".parq", ".pq")

BATCH = 64
"""Rows that are decoded together."""

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""In the name of a folder, for rows without a value."""

BUFFER = 2**20
"""Bytes of a column that are read at a time."""


def read_rows(source: Path, reading: Reading) -> Iterator[Row]:
    """One row a record; a column of bytes, or of ``{bytes, path}``, is media.

    Folders called ``COLUMN=VALUE``, as Hive and Spark write them, are a column too.

    Raises:
        DataError: not Parquet, two columns of one name, or there is no such file in the folder.
    """
    import pyarrow
    import pyarrow.parquet

    # Spark and editors leave hidden files behind
    files = find_shards(source, ENDINGS, reading, hidden=(".", "_")) if source.is_dir() else [source]
    if not files:
        raise DataError(f"there is no .parquet file in {source}")
    types = ColumnTypes(reading)
    for path in files:
        # What stands in a folder's name stands in no row; the file's own column of that name goes before it.
        given = _partitions(path.relative_to(source)) if path != source else {}
        try:
            # streamed, and a row at a time: a group of rows with pictures in them takes gigabytes
            opened = pyarrow.parquet.ParquetFile(path, buffer_size=BUFFER, page_checksum_verification=True)
            require_names(path, opened.schema_arrow.names)
            types.look_at(opened.schema_arrow, path)
            for batch in opened.iter_batches(BATCH, use_threads=False):
                for values in read_batch(batch, path, reading.columns):
                    yield {**given, **values, PLACE: str(path)}
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            raise DataError(f"cannot read {path} as Parquet: {error}") from error


def _partitions(path: Path) -> dict[str, Any]:
    given = {}
    for part in path.parts[:-1]:
        column, sign, value = part.partition("=")
        if sign:
            given[column] = None if value == NO_VALUE else unquote(value)
    return given
