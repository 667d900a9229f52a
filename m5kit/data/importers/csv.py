"""Rows of a CSV or TSV file, which may be compressed with gzip."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path

from m5kit.data.importers.columns import Row
from m5kit.errors import DataError

LONGEST = 2**24
"""Characters of a cell; Python's own limit is too low for descriptions."""


def read_rows(source: Path) -> Iterator[Row]:
    """One row a record; the first line names the columns. ``.tsv`` has tabs, all others commas.

    Raises:
        DataError: not UTF-8, not CSV, or a row with more cells than there are columns.
    """
    csv.field_size_limit(LONGEST)
    delimiter = "\t" if ".tsv" in source.suffixes else ","
    opener = gzip.open if source.suffix == ".gz" else open
    try:
        with opener(source, "rt", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            for row in reader:
                if None in row:
                    raise DataError(f"{source}: line {reader.line_num} has more cells than there are columns")
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {source} as CSV: {error}") from error
