"""The index: built from the items of a run or from any vectors, added to, and deleted from."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from m5kit.data.remote.place import as_path, as_place
from m5kit.errors import DataError
from m5kit.evaluation.precision import Precision
from m5kit.index.about import IndexInfo
from m5kit.index.approximate import Say, approximate, quiet
from m5kit.index.columns import stored_name
from m5kit.index.compression import compress
from m5kit.index.facts import with_facts
from m5kit.index.given import as_columns, as_ids
from m5kit.index.rows import Row, as_matrix, as_units, learn_columns, rows_of, schema_of, to_table
from m5kit.index.searchable import EXACT, Place, SearchableIndex
from m5kit.index.store import ABOUT, Store
from m5kit.index.truth import Truth

AT_ONCE, WHILE = timedelta(0), timedelta(hours=1)
"""For how long the files of a former version are kept, while an index is built and once it is."""

PIECE = 50_000
"""Vectors that are written at once."""


def refuse_existing(place: str) -> None:
    """Refuse a folder that holds an index; an object store is asked only once the index is written.

    Raises:
        DataError: it does.
    """
    if Path(place, f"{ABOUT}.lance").exists():
        refuse(place)


def refuse(place: str) -> NoReturn:
    """Say that there is an index already."""
    raise DataError(f"{place} already holds an index; add to it with --update, or choose another --out")


class Index(SearchableIndex):
    """An index that is built, added to and deleted from; :class:`SearchableIndex` says how it is searched."""

    @classmethod
    def build(
        cls,
        place: Place,
        run: Place,
        *,
        data: Place | None = None,
        splits: Sequence[str] | None = None,
        modalities: Sequence[str] | None = None,
        space: str = "item",
        width: int | None = None,
        precision: Precision = "float32",
        say: Say | None = None,
    ) -> "Index":
        """Build an index of the items of a run, or of others.

        Args:
            place: a new folder, or an address in an object store.
            run: folder of a trained run.
            data: folder of the items; None for those that the run was trained on.
            splits: whose items; None for all.
            modalities: the only ones that the model sees of an item.
            space: which vector of an item; ``contrastive`` and ``item`` can be searched from any modality.
            width: numbers that are kept of a vector; None for all.
            precision: of the stored numbers: ``float32``, ``float16``, ``int8``, or ``binary`` for signs.
            say: gets progress, line by line; None for silence.

        Raises:
            DataError: there is an index already, or no items.
            ConfigError: vectors cannot be kept so.
        """
        from m5kit.index.items import RunItems

        items = RunItems.open(
            as_path(run, "run"), None if data is None else as_place(data, "data"), splits, modalities, space
        )
        refuse_existing(os.fspath(place := as_place(place, "place")))  # before hours of embedding
        about, pieces = items.about(precision, width), items.pieces(say or quiet)
        # The loader starts its workers with the first piece: before the store, whose threads no fork survives.
        first = list(islice(pieces, 1))
        with Store(os.fspath(place)).writing():
            index, truth = cls.create(place, about), Truth()
            for rows, vectors in chain(first, pieces):
                index._append(rows, vectors, truth)
            index._finish(say, truth)
        return index

    @classmethod
    def of_vectors(
        cls,
        place: Place,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        properties: Mapping[str, Sequence[Any]] | None = None,
        *,
        width: int | None = None,
        precision: Precision = "float32",
        say: Say | None = None,
    ) -> "Index":
        """Build an index of vectors from anywhere.

        Args:
            place: a new folder, or an address in an object store.
            ids: ``n`` names.
            vectors: ``n d``; they are stored with unit length. Those of a file that is mapped into memory
                (``numpy.load(path, mmap_mode="r")``) are read piece by piece.
            properties: ``n`` values by name, None or NaN where an item has none.
            width: numbers that are kept of a vector; None for all.
            precision: of the stored numbers: ``float32``, ``float16``, ``int8``, or ``binary`` for signs.
            say: gets progress, line by line; None for silence.

        Raises:
            DataError: there is an index already, or ids or vectors are wrong.
        """
        place, ids = as_place(place, "place"), as_ids(ids)
        given = as_columns(ids, properties)
        vectors = as_matrix(vectors, len(ids))
        columns, _ = learn_columns(rows_of(ids, given, range(len(ids))))
        about = IndexInfo(width=vectors.shape[1], precision=precision, columns=columns).shortened(width)
        with Store(os.fspath(place)).writing():
            index, truth = cls.create(place, about), Truth()
            for start in range(0, len(ids), PIECE):
                piece = range(start, min(start + PIECE, len(ids)))
                index._append(list(rows_of(ids, given, piece)), vectors[piece.start : piece.stop], truth)
            index._finish(say, truth)
        return index

    @classmethod
    def create(cls, place: Place, about: IndexInfo) -> "Index":
        """An empty index; it counts as one once :meth:`finish` was called.

        Raises:
            DataError: there is an index already.
        """
        store = Store(os.fspath(place))
        if store.about() is not None:
            refuse(os.fspath(place))
        store.create(schema_of(about))
        return cls(store, about)

    def _append(self, rows: Sequence[Row], vectors: NDArray[np.float32], truth: Truth) -> None:
        """Add items whose ids are new, without a look at those that are there."""
        self.store.append(to_table(rows, vectors, self.about))
        if self.about.is_compressed:
            ids = [row.id for row in rows]
            truth.see(ids, as_units(vectors, ids))

    def add(self, rows: Sequence[Row], vectors: NDArray[np.float32], made_by: IndexInfo | None = None) -> None:
        """Add items, or replace those of the same id; properties that are new become columns.

        It waits for other processes that write the index, and goes on from what these left.

        Args:
            rows: the items.
            vectors: ``n d``.
            made_by: where the vectors come from; None if the caller knows that they belong here.

        Raises:
            DataError: the vectors cannot be compared with those of the index, or a value does not fit its column.
        """
        with self.store.writing(wait=True):
            self._refresh()
            self._add(rows, vectors, made_by)

    def _refresh(self) -> None:
        """Learn what other processes wrote since: columns that they added are none that a killed update left behind."""
        self.store.renew()
        self.about = self.store.about() or self.about

    def _add(self, rows: Sequence[Row], vectors: NDArray[np.float32], made_by: IndexInfo | None) -> None:
        """The same, with the lock."""
        if made_by is not None:
            self.about.require_same(made_by)
        self.store.keep_columns(schema_of(self.about).names)
        known = {column.name for column in self.about.columns}
        learned, _ = learn_columns(iter(rows))
        columns = list(self.about.columns)
        for column in learned:
            if column.name not in known:
                columns.append(replace(column, stored=stored_name(column.name, columns)))
        wider = replace(self.about, columns=tuple(columns))
        table = to_table(rows, vectors, wider)
        fresh = [schema_of(wider).field(column.stored) for column in columns if column.name not in known]
        if fresh:
            self.store.extend(fresh)
            if self.store.about() is not None:  # or whoever adds next would drop the columns and what they hold
                self.store.describe(wider)
        self.about = wider
        self.store.replace(table)

    def update(self, *, data: Place | None = None, splits: Sequence[str] | None = None, say: Say | None = None) -> None:
        """Embed items with the index's run, and add them or replace those of the same id.

        Args:
            data: folder of the items; None for those that the index was built from.
            splits: whose items; None for all.
            say: gets progress, line by line; None for silence.
        """
        from m5kit.index.items import RunItems, gathered

        seen, folder = list(self.about.seen), as_place(self.about.data if data is None else data, "data")
        items = RunItems.open(Path(self.about.run), folder, splits, seen or None, self.about.space)
        made_by = items.about(self.about.precision, self.about.query_width)
        # paths of items from another folder would otherwise be looked for in that of the index
        elsewhere = "" if made_by.data == self.about.data else made_by.data
        with self.store.writing():
            self._refresh()
            for rows, vectors in gathered(items.pieces(say or quiet)):
                self._add([replace(row, data=elsewhere) for row in rows], vectors, made_by)
            self._finish(say, None)

    def delete(self, ids: Iterable[str]) -> int:
        """Delete a list of items by id; returns how many there were."""
        wanted = as_ids(ids)
        with self.store.writing(wait=True):
            self.store.renew()
            return self.store.delete(wanted) if wanted else 0

    def finish(self, say: Say | None = None) -> None:
        """Make what was added fast to search, and write down what the index holds now."""
        with self.store.writing(wait=True):
            self._refresh()
            self._finish(say, None)

    def _finish(self, say: Say | None, truth: Truth | None) -> None:
        """The same after all was added; ``truth`` of whole vectors tells what small ones lose."""
        # Nobody reads an index before it is whole; later, a search may go on while items are added.
        self.store.tidy(AT_ONCE if truth is not None else WHILE)
        about = replace(self.about, columns=with_facts(self.store, self.about), approximation=None)
        if len(self) >= EXACT:
            self.store.index_columns(about.filters)
            about = replace(about, approximation=approximate(self.store, self.about, say or quiet))
        else:
            (say or quiet)(f"exact search: every search reads all {len(self):,} vectors")
        if truth is not None and about.is_compressed:
            about = compress(self.store, about, truth, say or quiet)
        self.store.describe(about)
        self.about = about
