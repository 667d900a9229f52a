"""Exact nearest neighbours on a CPU. Shape letters: q query, g gallery item, d width, k top-k."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m5kit.evaluation.functional.blocks import as_tensor, hide_own
from m5kit.evaluation.functional.screening import Rounded, candidates, errors, exact, pays
from m5kit.evaluation.functional.selection import Keys, best_keys, merge, positions, ranked, rows_of, unpack

ROWS = 64
"""Queries whose scores are ranked at once."""

Bounds = Sequence[NDArray[np.float32] | None]
"""The scores below which nothing is wanted, of each part of the queries; None where less than k are found."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Queries ``q d`` and the part ``g d`` of the gallery that they are compared with.

    Attributes:
        queries: all of them.
        parts: those that are ranked together.
        gallery: the part.
        start: where it begins.
        own: ``q``, the place in the part that a query must not find; negative or past its end for none.
        each: maps a function over the parts, by threads if there are several.
    """

    queries: Tensor
    parts: Sequence[slice]
    gallery: Tensor
    start: int
    own: Tensor
    each: Callable[..., Iterator[Any]]

    def multiply(self, queries: Tensor, gallery: Tensor, buffer: Tensor) -> Tensor:
        """The scores ``q g`` in the buffer, of these vectors or of others that stand for them."""
        scores = buffer[: len(queries) * len(gallery)].view(len(queries), len(gallery))
        torch.matmul(queries, gallery.T, out=scores)
        hide_own(scores, self.own)
        return scores


class SearchOnCpu:
    """Finds the best of a gallery for a few queries at a time.

    Args:
        gallery: ``g d``; read block by block.
        k: how many are wanted, at most g.
        queries: how many come at once at most.
        gallery_block: gallery items scored at once.
    """

    def __init__(self, gallery: NDArray[np.float32], k: int, queries: int, gallery_block: int) -> None:
        self.gallery, self.k, self.gallery_block = gallery, k, gallery_block
        self.screens = pays(k, gallery_block)
        # one buffer for all blocks: allocating megabytes for each costs as much as the product
        self._buffer = torch.empty(queries * gallery_block)
        self._rounded: tuple[int, Rounded] | None = None

    def __call__(self, queries: Tensor, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions ``q k`` of the best of each query ``q d``; -1 where there are fewer.

        Args:
            queries: the vectors.
            own: ``q``, the position that a query must not find; -1 for none.
        """
        threads = torch.get_num_threads()
        # few rows at a time: what is made of their scores stays in the cache
        rows = min(ROWS, -(-len(queries) // threads))
        parts = [slice(first, first + rows) for first in range(0, len(queries), rows)]
        best: list[Keys | None] = [None] * len(parts)
        rounded = Rounded.measured(queries) if self.screens else None
        with ThreadPoolExecutor(threads) as pool:
            # one thread stays where the scores are: another core would have to fetch them
            each: Callable[..., Iterator[Any]] = pool.map if threads > 1 else map
            for start in range(0, len(self.gallery), self.gallery_block):
                part = as_tensor(self.gallery[start : start + self.gallery_block], queries.device)
                block = _Block(queries, parts, part, start, torch.from_numpy(own) - start, each)
                least = [_least(keys, self.k) for keys in best]
                found = None if rounded is None else self._screened(block, rounded, least)
                best = list(each(partial(_better, k=self.k), best, found or self._scored(block, least)))
        return np.concatenate([positions(keys, -1) for keys in best if keys is not None])

    def _scored(self, block: _Block, least: Bounds) -> list[Keys]:
        """The best of each part of the queries, from all scores."""
        scores = block.multiply(block.queries, block.gallery, self._buffer)
        tables = [scores[part].numpy() for part in block.parts]
        return list(block.each(partial(best_keys, k=self.k, start=block.start), tables, least))

    def _screened(self, block: _Block, queries: Rounded, least: Bounds) -> list[Keys] | None:
        """The same from the scores of those only that may be among the best; None if these cannot be told."""
        gallery = self._round(block)
        bits = block.multiply(queries.vectors, gallery.vectors, self._buffer.view(torch.bfloat16)).view(torch.int16)
        tables, error = [bits[part].numpy() for part in block.parts], errors(queries, gallery)
        flat = list(block.each(partial(candidates, k=self.k), tables, [error[part] for part in block.parts], least))
        if any(places is None for places in flat):
            return None
        counts, columns = zip(*map(rows_of, flat, [table.shape for table in tables]), strict=True)
        scores = exact(block.queries, block.gallery, np.concatenate(counts), np.concatenate(columns))
        each_scores = np.split(scores, np.cumsum([len(places) for places in flat])[:-1])
        return list(block.each(partial(ranked, k=self.k, start=block.start), counts, columns, each_scores))

    def _round(self, block: _Block) -> Rounded:
        """The block's part of the gallery, rounded; once for all queries if it is the whole."""
        if self._rounded is None or self._rounded[0] != block.start:
            self._rounded = block.start, Rounded.bounded(block.gallery)
        return self._rounded[1]


def _least(best: Keys | None, k: int) -> NDArray[np.float32] | None:
    """The worst scores of what was found; None while it is less than k."""
    return None if best is None or best.shape[1] < k else unpack(best[:, -1])[0]


def _better(best: Keys | None, found: Keys, k: int) -> Keys:
    """The best k of what was found before and of a block of the gallery."""
    return found if best is None else merge(best, found, k)
