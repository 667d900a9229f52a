"""Rows of a Parquet file, or of all Parquet files in a folder."""

from collections.abc import Iterator
from pathlib import Path

from m5kit.data.importers.columns import Row
from m5kit.data.importers.embedded import unpacked
from m5kit.errors import DataError

BATCH = 1024


def read_rows(source: Path) -> Iterator[Row]:
    """One row a record; a column of bytes, or of ``{bytes, path}``, is media.

    Raises:
        DataError: not Parquet, or there is no such file in the folder.
    """
    import pyarrow
    import pyarrow.parquet

    files = sorted(source.rglob("*.parquet")) if source.is_dir() else [source]
    if not files:
        raise DataError(f"there is no .parquet file in {source}")
    for path in files:
        try:
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(BATCH):
                yield from ({key: unpacked(value) for key, value in row.items()} for row in batch.to_pylist())
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"cannot read {path} as Parquet: {error}") from error
