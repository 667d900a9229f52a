"""At which ranks a query's relevant items are, without ranking the others: for deep rankings.

Shape letters: q query, g gallery item, d width, k depth, r relevant item.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.evaluation.functional.blocks import as_tensor, hide_own
from m5kit.evaluation.functional.search import NOTHING, top_k

ROWS = 64
"""Queries whose scores are looked at together: they stay in the cache."""

_ROOM = 2**22
"""Scores that are kept at once, about."""
_LARGEST = 2**16
"""A larger gallery is searched in blocks, by :func:`~m5kit.evaluation.functional.search.top_k`."""
_SHALLOW = 32
"""If at most one in so many items is asked for, it takes less time to find these."""

Hits = NDArray[np.bool_]


def find_hits(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    *,
    own: NDArray[np.int64],
    wanted: NDArray[np.int64],
    offered: NDArray[np.int64],
    backend: str = "torch",
) -> Hits:
    """Whether the item at each of the first k ranks has the label that is wanted, ``q k``; False past the end.

    The ranking is that of :func:`~m5kit.evaluation.functional.search.top_k`.

    Args:
        queries: ``q d``.
        gallery: ``g d``.
        k: the depth.
        own: ``q``, the gallery position that a query must not find; -1 for none.
        wanted: ``q``, the label of each query, at least 0.
        offered: ``g``, that of each item.
        backend: as for ``top_k``.
    """
    deep = k * _SHALLOW > len(gallery) and 0 < len(gallery) <= _LARGEST
    if backend != "torch" or torch.cuda.is_available() or not deep:
        return _hits_of_found(top_k(queries, gallery, k, own=own, backend=backend), wanted, offered)
    relevant = _Relevant(wanted, offered)
    hits = np.zeros((len(queries), k), dtype=bool)
    tied = np.zeros(len(queries), dtype=bool)
    rows = max(ROWS, _ROOM // len(gallery) // ROWS * ROWS)
    whole, threads = as_tensor(gallery, torch.device("cpu")), torch.get_num_threads()
    scores = torch.empty(min(rows, len(queries)), len(gallery))
    with ThreadPoolExecutor(threads) as pool:
        each: Callable[..., Iterator[Any]] = pool.map if threads > 1 else map
        for start in range(0, len(queries), rows):
            part = as_tensor(queries[start : start + rows], torch.device("cpu"))
            table = torch.matmul(part, whole.T, out=scores[: len(part)])
            hide_own(table, torch.from_numpy(own[start : start + rows]))
            firsts = range(0, len(part), ROWS)
            tables = [table[first : first + ROWS].numpy() for first in firsts]
            outs = [slice(start + first, start + first + len(some)) for first, some in zip(firsts, tables, strict=True)]
            list(each(lambda some, out: _mark(some, k, relevant.of(out), hits[out], tied[out]), tables, outs))
    if tied.any():
        # which of several equal ones comes first is known only from where they are
        found = top_k(queries[tied], gallery, k, own=own[tied])
        hits[tied] = _hits_of_found(found, wanted[tied], offered)
    return hits


def _hits_of_found(found: NDArray[np.int64], wanted: NDArray[np.int64], offered: NDArray[np.int64]) -> Hits:
    """The hits among found positions ``q k``; position -1, nothing, is that of a label that no query has."""
    hits: Hits = np.append(offered, NOTHING)[found] == wanted[:, None]
    return hits


class _Relevant:
    """The gallery items with each query's label.

    Args:
        wanted: ``q``, the labels of the queries.
        offered: ``g``, those of the items.
    """

    def __init__(self, wanted: NDArray[np.int64], offered: NDArray[np.int64]) -> None:
        self.order = np.argsort(offered, kind="stable")
        self.first, self.last = (np.searchsorted(offered[self.order], wanted, side) for side in ("left", "right"))

    def of(self, queries: slice) -> list[NDArray[np.int64]]:
        """Gallery positions of those of some queries."""
        ends = zip(self.first[queries].tolist(), self.last[queries].tolist(), strict=True)
        return [self.order[first:last] for first, last in ends]


def _mark(
    scores: NDArray[np.float32],
    k: int,
    relevant: list[NDArray[np.int64]],
    hits: Hits,
    tied: NDArray[np.bool_],
) -> None:
    """Mark the ranks of relevant items in ``hits``, or a query in ``tied`` if a score is not its alone.

    Args:
        scores: ``q g``; in another order afterwards.
        k: the depth.
        relevant: of each query, positions ``r``.
        hits: ``q k``, all False before.
        tied: ``q``, all False before.
    """
    rows = np.repeat(np.arange(len(scores)), [len(columns) for columns in relevant])
    values = scores[rows, np.concatenate(relevant)]
    # one more than is asked for shows whether the last place is shared
    kept = min(k + 1, scores.shape[1])
    scores.partition(scores.shape[1] - kept, axis=1)
    best = scores[:, scores.shape[1] - kept :]
    best.sort(axis=1)
    least = np.maximum(best[:, 0], np.finfo(np.float32).min)  # what may not be found has minus infinity
    reach = values >= least[rows]
    rows, values = rows[reach], values[reach]
    ranks = kept - _places(best, rows, values, "right")
    hits[rows[ranks < k], ranks[ranks < k]] = True
    if (best[:, 1:] == best[:, :-1]).any():
        tied[rows[_places(best, rows, values, "left") + ranks + 1 < kept]] = True


def _places(
    tables: NDArray[np.float32], rows: NDArray[np.int64], values: NDArray[np.float32], side: Literal["left", "right"]
) -> NDArray[np.int64]:
    """Where each value belongs in its row of the sorted tables; ``rows`` ascend."""
    ends = np.searchsorted(rows, np.arange(len(tables) + 1)).tolist()
    places = [row.searchsorted(values[ends[i] : ends[i + 1]], side) for i, row in enumerate(tables)]
    return np.concatenate(places)
