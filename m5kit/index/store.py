"""The vector store below an index: LanceDB, on a local disk or in an object store (``s3://``, ``gs://``, ``az://``).

No other module knows LanceDB. An index is two tables: the items, and one row of JSON about them, which is written last,
so that an interrupted build is not taken for an index.
"""

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from m5kit.errors import DataError, MissingDependencyError
from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.codes import BITS, Candidates, fields_of
from m5kit.index.columns import Column
from m5kit.index.mark import read_mark, require_mark, require_own_folder, require_there, set_mark
from m5kit.index.store_messages import RAISED, answered, reading, said_plainly, writing_to
from m5kit.index.where import one_of
from m5kit.runs.lock import single_writer

ITEMS, ABOUT = "items", "about"
FRESH = timedelta(seconds=2)
"""How old the view of a reader may be while another process writes."""

FEW = 1000
"""Values of a text of which each has a list of the items that have it; more are sorted."""
ROWS = 8192
"""Items read at once where all are."""


class Store:
    """The tables of one index.

    Args:
        place: a folder, or the address of one in an object store.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        # the library logs advice for its own developers to the terminal
        os.environ.setdefault("LANCEDB_LOG", "error")
        try:
            import lancedb
        except ImportError as error:
            raise MissingDependencyError("lancedb", "an index", "index", error) from error
        if "\0" in place or ("://" not in place and Path(place).exists() and not Path(place).is_dir()):
            raise DataError(f"{place!r} is no folder, and so no index")
        try:
            self._base = lancedb.connect(place, read_consistency_interval=FRESH)
        except (ValueError, RuntimeError, OSError) as error:  # no such kind of address, or nobody answers there
            raise DataError(f"{place!r} cannot be opened as an index: {said_plainly(error)}") from error
        self._opened: Any = None
        self._mark = read_mark(place)

    def about(self) -> IndexInfo | None:
        """What the index knows of itself; None if there is no whole index.

        Raises:
            DataError: its files are damaged, or another version wrote it.
        """
        if "://" not in self.place and not Path(self.place).is_dir():
            return None
        with reading(self.place):
            if ABOUT not in self._names():
                return None
            text = self._base.open_table(ABOUT).to_arrow()["json"][0].as_py()
            there = {field.name: field.type for field in self._items.schema}
        about = IndexInfo.from_json(text or "")
        lacking = sorted({column.stored for column in about.filters} - there.keys())
        if lacking or any(there.get(field.name) != field.type for field in fields_of(about)):
            raise DataError(f"the items of {self.place} are not those that it was built with; build it again")
        return about

    def version(self) -> str:
        """What tells this state of the index from a former one: another build, or a change that was finished.

        Raises:
            IndexUnavailableError: it is gone or damaged.
        """
        require_there(self.place)
        with reading(self.place):
            return f"{read_mark(self.place)} {self._base.open_table(ABOUT).version}"

    @contextmanager
    def writing(self, wait: bool = False) -> Iterator[None]:
        """Hold the index for a build or a change; an object store has no locks.

        Args:
            wait: for a process or a thread that writes it, instead of an error.

        Raises:
            CheckpointError: another process writes it.
        """
        if "://" in self.place:
            yield
            return
        require_own_folder(self.place, (f"{ITEMS}.lance", f"{ABOUT}.lance"))
        with single_writer(Path(self.place) / ".lock", f"the index in {self.place}", wait):
            yield

    def renew(self) -> None:
        """See what other processes wrote up to now: a search may be seconds behind, a writer must not."""
        self._opened = None

    def describe(self, about: IndexInfo) -> None:
        """Write what the index knows of itself."""
        with writing_to(self.place):
            self._base.create_table(ABOUT, pa.table({"json": [about.to_json()]}), mode="overwrite")

    def create(self, schema: pa.Schema) -> None:
        """Make an empty table of items; one that an interrupted build left is replaced."""
        with writing_to(self.place):
            self._mark = set_mark(self.place)
            self._opened = self._base.create_table(ITEMS, schema=schema, mode="overwrite")

    def append(self, rows: pa.Table) -> None:
        """Add items that are not there yet."""
        with writing_to(self.place):
            self._items.add(rows)

    def replace(self, rows: pa.Table) -> None:
        """Add items, or replace those that have the same id."""
        with writing_to(self.place):
            self._items.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def extend(self, fields: Sequence[pa.Field]) -> None:
        """Add columns, null for the items that are there."""
        with writing_to(self.place):
            self._items.add_columns(pa.schema(fields))

    def keep_columns(self, known: Sequence[str]) -> None:
        """Drop columns that are not known: an update that was killed had added them, and did not come to say so."""
        unknown = [name for name in self._items.schema.names if name not in known]
        if unknown:
            with writing_to(self.place):
                self._items.drop_columns(unknown)

    def delete(self, ids: Sequence[str]) -> int:
        """Delete items; returns how many there were."""
        before = len(self)
        with writing_to(self.place):
            self._items.delete(one_of(ids))
            return before - len(self)

    def __len__(self) -> int:
        with reading(self.place):
            return int(self._items.count_rows())

    def count(self, where: str) -> int:
        """How many items fit a filter; all of them for a wrong one, which the search that follows tells."""
        try:
            return int(self._items.count_rows(where))
        except RAISED:
            return len(self)

    def search(self, asked: Candidates, where: str, how: Approximation | None, columns: Sequence[Column]) -> pa.Table:
        """The nearest items with all that is stored of them, and ``_distance``.

        Args:
            asked: by which column, and how many.
            where: SQL.
            how: None reads every vector.
            columns: for messages about the filter.
        """
        return answered(lambda: self._nearest(asked, where, how), self.place, where, columns)

    def _nearest(self, asked: Candidates, where: str, how: Approximation | None) -> Any:
        query = self._items.search(asked.vector, vector_column_name=asked.column)
        query = query.distance_type(asked.metric).limit(asked.count)
        if how is None:
            query = query.bypass_vector_index()
        else:
            query = query.minimum_nprobes(how.probes).maximum_nprobes(0)
            # bits are kept whole in the partitions: there is nothing to score again by
            query = query if asked.column == BITS else query.refine_factor(how.refine)
        return query.where(where, prefilter=True) if where else query

    def scan(
        self, where: str, top: int | None, columns: Sequence[Column], only: Sequence[str] | None = None
    ) -> pa.Table:
        """The items that fit a filter, in the order in which they are stored."""

        def ask() -> Any:
            asked = self._items.search()
            asked = asked.where(where) if where else asked
            asked = asked if only is None else asked.select(list(only))
            return asked if top is None else asked.limit(top)

        return answered(ask, self.place, where, columns)

    def pieces(self, only: Sequence[str]) -> Iterator[pa.Table]:
        """All items, some thousands at a time; ``only`` these columns."""
        for batch in self._items.search().select(list(only)).to_batches(ROWS):
            yield pa.Table.from_batches([batch])

    def sample(self, rows: Sequence[int]) -> pa.Table:
        """Some items by their number."""
        return self._items.take_offsets(list(rows)).to_arrow()

    def approximate(self, column: str) -> int:
        """Build the index that searches need in order not to read every vector; returns its number of partitions."""
        from lancedb.index import IvfFlat, IvfRq

        partitions = max(1, round(math.sqrt(len(self))))
        if column == BITS:
            how = IvfFlat(distance_type="hamming", num_partitions=partitions)
        else:
            # partitions of vectors, kept as one bit a number beside the whole ones (RaBitQ, SIGMOD 2024)
            how = IvfRq(distance_type="dot", num_partitions=partitions)
        with writing_to(self.place):
            self._items.create_index(column, config=how)
        return partitions

    def index_columns(self, columns: Sequence[Column]) -> None:
        """Build the indexes that filters need in order not to read every value."""
        from lancedb.index import Bitmap, BTree

        for column in columns:
            few = column.kind == "boolean" or 0 < column.facts.get("distinct", 0) <= FEW
            with writing_to(self.place):
                self._items.create_index(column.stored, config=Bitmap() if few else BTree())

    def tidy(self, forget: timedelta) -> None:
        """Put what was added into few files and the index; versions older than ``forget`` go with their files."""
        with writing_to(self.place), warnings.catch_warnings():
            # it warns that 0 breaks readers of former versions; who asks for that knows that there are none
            warnings.simplefilter("ignore", UserWarning)
            self._items.optimize(cleanup_older_than=forget)

    @property
    def _items(self) -> Any:
        require_mark(self.place, self._mark)
        if self._opened is None:
            self._opened = self._base.open_table(ITEMS)
        return self._opened

    def _names(self) -> Sequence[str]:
        return list(self._base.list_tables().tables)
