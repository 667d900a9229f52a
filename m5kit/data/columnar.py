"""Rows of an Arrow or a Parquet file: memory-mapped, opened in a moment, and just as cheap in each worker."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from m5kit.data.json_values import as_object, parse_json
from m5kit.errors import DataError

GROUPS = 4
"""Row groups of a Parquet file that stay decoded."""


class ColumnRows(ABC):
    """Rows stored by column; ``table`` and ``labels`` are a struct, a map or a JSON text.

    A null inside a struct is a property that the item does not have. A pickle holds the path and nothing else: each
    process maps the file when it reads its first row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> Any:
        # a slice of one row, as converting a whole part for it would decode thousands of others
        number = bisect_right(self._starts, index) - 1
        with _naming(self.path):
            row = self._part(number).slice(index - self._starts[number], 1).to_pylist()[0]
        return {key: plain(key, value) for key, value in row.items()}

    def place(self, index: int) -> str:
        return f"row {index + 1}"

    @property
    @abstractmethod
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    @abstractmethod
    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """All rows in order as Arrow record batches of some columns."""

    @property
    @abstractmethod
    def _starts(self) -> Sequence[int]:
        """The first row of each part, and how many rows there are."""

    @abstractmethod
    def _part(self, number: int) -> Any:
        """One part as an Arrow table or record batch."""

    def __getstate__(self) -> dict[str, Any]:
        # Mapped memory cannot be pickled, and a worker maps the same pages of the disk at no cost.
        return {"path": self.path}


class ArrowRows(ColumnRows):
    """An Arrow file (IPC file format): the rows are used where they lie on the disk, in any order.

    Raises:
        DataError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        # Arrow takes mapped memory as it is: a damaged offset in it would end this process, or a worker, by a signal.
        # Workers are given this object by a pickle, so the file is looked through once.
        with _naming(path):
            for batch in self._batches:
                batch.validate(full=True)

    @property
    def columns(self) -> Sequence[str]:
        return tuple(self._file.schema.names)

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        for batch in self._batches:
            with _naming(self.path):
                chosen = batch.select(list(columns))
            yield chosen

    @cached_property
    def _starts(self) -> Sequence[int]:
        return tuple(accumulate((batch.num_rows for batch in self._batches), initial=0))

    def _part(self, number: int) -> Any:
        return self._batches[number]

    @cached_property
    def _batches(self) -> list[Any]:
        # views into the mapped file: nothing is read before a row is asked for
        with _naming(self.path):
            return list(map(self._file.get_batch, range(self._file.num_record_batches)))

    @cached_property
    def _file(self) -> Any:
        import pyarrow  # slow to load

        with _naming(self.path):
            return pyarrow.ipc.open_file(pyarrow.memory_map(str(self.path)))


class ParquetRows(ColumnRows):
    """A Parquet file; whole row groups are decoded and a few of them kept.

    Reading at random is quick if the groups are small or few. ``m5kit data import parquet`` makes an Arrow file of one
    whose groups are large.
    """

    @property
    def columns(self) -> Sequence[str]:
        return tuple(self._file.schema_arrow.names)

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        # one thread: each worker of a loader has a process of its own, and pyarrow's pool would take all cores in each
        found = self._file.iter_batches(columns=list(columns), use_threads=False)
        while True:
            with _naming(self.path):
                batch = next(found, None)
                if batch is None:
                    return
                batch.validate(full=True)  # texts need not be UTF-8 in Parquet
            yield batch

    @cached_property
    def _starts(self) -> Sequence[int]:
        about = self._file.metadata
        sizes = (about.row_group(number).num_rows for number in range(about.num_row_groups))
        return tuple(accumulate(sizes, initial=0))

    def _part(self, number: int) -> Any:
        with _naming(self.path):
            return self._read(number)

    @cached_property
    def _read(self) -> Any:
        # a cache of this object, not of the class: it must end with the file that it reads
        return lru_cache(GROUPS)(lambda number: self._file.read_row_group(number, use_threads=False).combine_chunks())

    @cached_property
    def _file(self) -> Any:
        import pyarrow.parquet

        with _naming(self.path):
            return pyarrow.parquet.ParquetFile(self.path, memory_map=True, page_checksum_verification=True)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in what Arrow raises for a damaged one: errors of its own, of the system, and of Python."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        kind = {".arrow": "Arrow", ".parquet": "Parquet"}.get(path.suffix, "such")
        raise DataError(f"{path} is no readable {kind} file: {type(error).__name__}: {error}") from error


def plain(key: str, value: Any) -> Any:
    """A value of a column as the same row of JSON would have it.

    Raises:
        ValueError: no JSON, or a map that has a key twice.
    """
    if key in ("table", "labels") and isinstance(value, str):
        return parse_json(value)
    if key in ("table", "labels") and value == []:
        return None  # an empty map
    if isinstance(value, list) and value and all(isinstance(pair, tuple) for pair in value):
        value = as_object(value)  # how pyarrow gives a map
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if part is not None} or None
    return value
