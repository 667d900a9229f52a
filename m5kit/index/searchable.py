"""An index opened for searching: by item, by vector, by example and by properties."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from m5kit.data.remote.place import as_place
from m5kit.errors import DataError, QueryError, UsageError
from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.codes import as_kept, candidates, read_vectors, vector_columns
from m5kit.index.hits import Hit, ranked, read_rows
from m5kit.index.query import Embed, Query, make_query, require_known
from m5kit.index.rows import Row, as_units
from m5kit.index.store import Store
from m5kit.index.where import one_of, to_sql
from m5kit.ranges import is_count

if TYPE_CHECKING:
    from m5kit.public.answers import Embeddings
    from m5kit.public.run import Run

EXACT = 100_000
"""Items below which every search reads all vectors."""

FEW = 2_000
"""Items that fit a filter below which their vectors are read one by one: each takes the store 20 microseconds."""

THOROUGH = 40
"""Candidates a hit that are scored again where a filter leaves more: the recall was measured without one."""

SPARE = 10
"""Hits that are fetched beyond those asked for, so that equal scores come in the order of their ids."""

MOST = 10_000
"""Hits of one search."""

Place = str | os.PathLike[str]


class SearchableIndex:
    """Vectors of items beside what can be asked of them; several threads may search one.

    Args:
        store: holds the items.
        about: what the store says of itself.
        run: that embeds queries; None loads the one that the index was built with when it is first needed.
    """

    def __init__(self, store: Store, about: IndexInfo, run: "Run | None" = None) -> None:
        self.store, self.about = store, about
        self._given_run = run

    def __repr__(self) -> str:
        return f"<m5kit index {self.store.place}: {len(self):,} items of width {self.about.width}>"

    @classmethod
    def open(cls, place: Place, run: "Run | None" = None) -> Self:
        """Open an index.

        Args:
            place: its folder, or its address in an object store.
            run: that embeds queries, if it is loaded already or lies elsewhere now.

        Raises:
            DataError: there is no index, or the run is another than the one it was built with.
        """
        address = os.fspath(as_place(place, "place"))
        if "://" not in address and not Path(address).exists():  # the store would make a folder there
            raise _no_index(address)
        store = Store(address)
        about = store.about()
        if about is None:
            raise _no_index(address)
        if run is not None:
            if not hasattr(run, "embed"):
                raise UsageError([f"run: expected a run that m5kit.load opened, got {run!r}"])
            _require_run(about, run.path)
        return cls(store, about, run)

    def __len__(self) -> int:
        return len(self.store)

    @cached_property
    def run(self) -> "Run":
        """The run that embeds queries.

        Raises:
            DataError: the index was built from vectors, or the run has changed since.
        """
        if self._given_run is not None:
            return self._given_run
        from m5kit.public.loading import load

        _require_run(self.about, Path(self.about.run))
        return load(self.about.run)

    def search(
        self,
        item: Mapping[str, Any] | NDArray[np.float32] | None = None,
        *,
        like: str | None = None,
        weights: Mapping[str, float] | None = None,
        where: str = "",
        top: int = 10,
        embed: "Embed | None" = None,
    ) -> list[Hit]:
        """The items nearest to what is asked for, the best first; equal scores come in the order of their ids.

        Args:
            item: values by modality, as for :meth:`m5kit.Run.embed`, or a vector ``d``.
            like: the id of an item of the index, in place of ``item``; it is not found itself.
            weights: how much each modality of ``item`` counts, from 0 to 1; all of them 1 by default.
            where: a filter, such as ``price < 20 and colour = 'red'``. Alone, it lists the items that fit.
            top: how many.
            embed: makes the vectors of items; None for the index's run.

        Raises:
            QueryError: a wrong filter, weight or vector, or an item that cannot be embedded.
        """
        if not is_count(top) or top > MOST:
            raise QueryError(f"top: expected 1 to {MOST:,}, got {top!r}")
        if not isinstance(weights or {}, Mapping):
            raise QueryError(f"weights: expected a number by modality, such as {{'text': 0.5}}, got {weights!r}")
        top = int(top)
        if item is not None and like is not None:
            raise QueryError("give an item to search for, or the id of one, not both")
        if not isinstance(where, str):
            raise QueryError(f"where: expected a text such as 'price < 20', got {where!r}")
        condition = to_sql(where, self.about.filters) if where.strip() else ""
        if like is not None:
            condition = " and ".join([f"not ({one_of([like])})", *([f"({condition})"] if condition else [])])
            return self._nearest(Query(self.vector(like), {}), condition, top)
        if item is None:
            found = self.store.scan(condition, top, self.about.filters)
            return [Hit(row, None, {}) for row in read_rows(found, self.about)]
        return self._nearest(self._query(item, weights or {}, embed), condition, top)

    def _query(
        self, item: Mapping[str, Any] | NDArray[np.float32], weights: Mapping[str, float], embed: "Embed | None" = None
    ) -> Query:
        """What an item or a vector asks for.

        Raises:
            QueryError: it cannot be compared with the items.
        """
        if isinstance(item, Mapping):
            self.about.require_run()
            require_known([*item, *weights], self.inputs)
            return make_query(item, weights, embed or self._embed)
        try:
            with np.errstate(over="ignore"):
                vector = np.asarray(item, np.float32)
        except (ValueError, TypeError) as error:
            raise QueryError(
                f"expected values by modality or a vector of numbers, got {type(item).__name__}"
            ) from error
        if vector.shape not in ((self.about.width,), (self.about.whole,)):
            raise QueryError(f"expected a vector of width {self.about.width}, got one of shape {vector.shape}")
        length = float(np.linalg.norm(vector))
        if not length or not np.isfinite(length):
            raise QueryError("the vector is zero or not finite")
        return Query(as_kept(vector[None] / length, self.about)[0], {})

    def _embed(self, items: Sequence[Mapping[str, Any]]) -> "Embeddings":
        return self.run.embed(items, space=self.about.space, errors="skip", width=self.about.query_width)

    def _nearest(self, query: Query, condition: str, top: int) -> list[Hit]:
        """The items nearest to a query; ``condition`` is SQL of the store."""
        how = self.about.approximation
        if how is not None and condition:
            how = self._within(how, self.store.count(condition))
        asked = candidates(query.vector, self.about, top + SPARE)
        found = self.store.search(asked, condition, how, self.about.filters)
        return ranked(found, query, self.about, top)

    def _within(self, how: Approximation, fitting: int) -> Approximation | None:
        """How to search those items that fit a filter; None to compare them one by one.

        The nearest partitions may hold none of them, so all partitions are looked through, by a bit a number.
        """
        if fitting >= EXACT:
            return how
        if fitting < FEW or self.about.is_rescored:
            return None
        return replace(how, probes=how.partitions, refine=max(how.refine, THOROUGH))

    def get(self, ids: Sequence[str]) -> dict[str, Row]:
        """Some items by id; those that the index does not hold are left out."""
        if not ids:
            return {}
        found = self.store.scan(one_of(ids), None, self.about.filters)
        return {row.id: row for row in read_rows(found, self.about)}

    def vector(self, item: str) -> NDArray[np.float32]:
        """The vector ``d`` of one item.

        Raises:
            QueryError: the index has no such item.
        """
        found = self.store.scan(one_of([item]), 1, self.about.filters, vector_columns(self.about))
        if not len(found):
            raise QueryError(f"the index holds no item {item!r}")
        vector: NDArray[np.float32] = as_units(read_vectors(found, self.about), [item])[0]
        return vector

    @property
    def inputs(self) -> tuple[str, ...]:
        """What a query may have: the modalities that the index was built with."""
        return tuple(self.about.modalities)


def _require_run(about: IndexInfo, run: Path) -> None:
    """Refuse a run that is not the one whose vectors the index holds.

    Raises:
        DataError: it is another.
    """
    # A search by vector, by example or by properties needs no run, and so none of the seconds that torch takes.
    from m5kit.index.identity import fingerprint

    about.require_same(replace(about, run=str(run), fingerprint=fingerprint(run)))


def _no_index(place: str) -> DataError:
    return DataError(f"{place} holds no index; m5kit index RUN --data DIR --out {place} builds one")
