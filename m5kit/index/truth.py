"""The exact nearest items of some queries, found while all vectors are read once: the reference for recall.

Shape letters: q query, k nearest item, n item, w width.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from m5kit.index.find import NEAREST, QUERIES


class Truth:
    """The nearest items of some queries, kept up to date piece by piece.

    Args:
        queries: unit vectors ``q w``; None takes items of the first piece, spread over it: nobody knows yet how many
            there will be.
    """

    def __init__(self, queries: NDArray[np.float32] | None = None) -> None:
        self.queries = queries
        self._scores: NDArray[np.float32] | None = None
        self._ids: NDArray[np.object_] | None = None

    def see(self, ids: Sequence[str], units: NDArray[np.float32]) -> None:
        """Merge the best of n more unit vectors ``n w`` into the nearest items found so far."""
        if self.queries is None:
            spread = np.linspace(0, len(units) - 1, min(QUERIES, len(units))).astype(int)
            self.queries = units[np.unique(spread)]
        scores = self.queries @ units.T
        # One product for all queries, then only the few best of a piece are put in order.
        few = min(NEAREST, len(units))
        best = np.argpartition(-scores, few - 1, axis=1)[:, :few]
        scores, names = np.take_along_axis(scores, best, axis=1), np.array(ids, object)[best]
        if self._scores is not None and self._ids is not None:
            scores, names = np.hstack([self._scores, scores]), np.hstack([self._ids, names])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :NEAREST]
        self._scores = np.take_along_axis(scores, order, axis=1)
        self._ids = np.take_along_axis(names, order, axis=1)

    @property
    def nearest(self) -> list[set[str]]:
        """For each query, the ids of the k nearest items."""
        return [] if self._ids is None else [set(row) for row in self._ids.tolist()]
