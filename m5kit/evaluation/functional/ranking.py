"""Scores of rankings: two definitions of average precision, precision, recall, hit rate, nDCG, MRR.

Shape letters: q query, k top-k. Every score of a query for which the gallery holds nothing relevant is 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The hits of each query, and the number of relevant items.

    Attributes:
        hits: ``q k`` bool, best first: whether the item at this rank is relevant; False beyond the end of a ranking.
        relevant: ``q``, R: relevant items in the gallery, the query itself not counted if it is left out.
        known: ``q``, P: items with the query's label in queries and gallery together, the query included.
        ranked: ``q``, N: how many gallery items are ranked; the gallery's size, less one where the query is left out.

    Example:
        >>> found = Ranking(np.array([[True, False, True]]), np.array([4]), np.array([5]), np.array([9]))
        >>> [(name, round(float(score(found, 3)[0]), 3)) for name, score in SCORES.items()][:3]
        [('map_hits', 0.833), ('map_std', 0.556), ('precision', 0.667)]
    """

    hits: NDArray[np.bool_]
    relevant: Ints
    known: Ints
    ranked: Ints

    def found(self, k: int | Ints) -> Ints:
        """``q``: hits in the first k ranks; k may differ by query."""
        rows, inside, _ = self._inside(k)
        return np.bincount(rows[inside], minlength=len(self.hits))

    def precisions(self, k: int | Ints) -> Floats:
        """``q``: sum of the precisions at the hits in the first k ranks."""
        rows, inside, precisions = self._inside(k)
        return np.asarray(np.bincount(rows[inside], precisions[inside], minlength=len(self.hits)), np.float64)

    def _inside(self, k: int | Ints) -> tuple[Ints, NDArray[np.bool_], Floats]:
        """Of each hit: its row, whether it is in the first k ranks, and the precision there."""
        rows, ranks, precisions = self._places
        return rows, ranks <= np.broadcast_to(k, len(self.hits))[rows], precisions

    @cached_property
    def _places(self) -> tuple[Ints, Ints, Floats]:
        """Row, rank from 1, and precision of each hit: few of the ranks are hits, so that tables of all take longer."""
        places = np.flatnonzero(self.hits)
        rows, ranks = np.divmod(places, max(self.hits.shape[1], 1))
        ranks += 1
        before = np.searchsorted(rows, np.arange(len(self.hits)))
        return rows, ranks, (np.arange(1, len(rows) + 1) - before[rows]) / ranks


def scores(ranking: Ranking, ks: Sequence[int]) -> Mapping[str, Floats]:
    """The scores ``q`` by name, such as ``map_hits@10``: :data:`AT_EVERY_DEPTH`, and the others at the largest k."""
    return {f"{name}@{k}": SCORES[name](ranking, k) for name, k in _names(ks)}


def score_names(ks: Sequence[int]) -> list[str]:
    """The names of :func:`scores`.

    Example:
        >>> score_names([10])[:3]
        ['map_hits@10', 'map_std@10', 'precision@10']
    """
    return [f"{name}@{k}" for name, k in _names(ks)]


def map_hits(ranking: Ranking, k: int) -> Floats:
    """AP of the M5Product toolkit: precision averaged over the hits that were *found* in the first k'.

    ``k' = min(k, P, N)``. It does not fall when relevant items are missed, so it may rise with k, and it is far above
    :func:`map_std` for the same ranking; use it to compare with the paper. Equals torchmetrics'
    ``retrieval_average_precision`` at k'.
    """
    cut = _cut(ranking, k)
    average: Floats = ranking.precisions(cut) / np.maximum(ranking.found(cut), 1)
    return average


def map_std(ranking: Ranking, k: int) -> Floats:
    """Truncated AP: precision summed over the hits in the first k, divided by what could be found, ``min(k, R)``.

    Source: Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), section 8.4, cut at k.
    """
    average: Floats = ranking.precisions(k) / np.maximum(np.minimum(k, ranking.relevant), 1)
    return average


def precision(ranking: Ranking, k: int) -> Floats:
    """Share of hits in the first ``k' = min(k, P, N)``, as in the M5Product toolkit."""
    cut = _cut(ranking, k)
    share: Floats = ranking.found(cut) / np.maximum(cut, 1)
    return share


def recall(ranking: Ranking, k: int) -> Floats:
    """Share of the R relevant items that are in the first k."""
    share: Floats = ranking.found(k) / np.maximum(ranking.relevant, 1)
    return share


def hit_rate(ranking: Ranking, k: int) -> Floats:
    """1 if a relevant item is in the first k (often called R@k where R is 1)."""
    return np.asarray(ranking.found(k) > 0, dtype=np.float64)


def ndcg(ranking: Ranking, k: int) -> Floats:
    """Discounted gain ``1 / log2(rank + 1)`` of the hits in the first k, against that of a perfect ranking.

    Source: Järvelin and Kekäläinen (2002), equation 2 with binary gain.
    """
    hits = ranking.hits[:, :k]
    gained: Floats = hits @ (1 / np.log2(np.arange(2.0, hits.shape[1] + 2)))
    return gained / _ideal_gain(ranking, k)


def mrr(ranking: Ranking, k: int) -> Floats:
    """One over the rank of the first hit; 0 if there is none in the first k."""
    hits = ranking.hits[:, :k]
    reciprocal: Floats = hits.any(1) / (hits.argmax(1) + 1.0)
    return reciprocal


SCORES = {score.__name__: score for score in (map_hits, map_std, precision, recall, hit_rate, ndcg, mrr)}
AT_EVERY_DEPTH = ("map_hits", "map_std", "precision", "recall")
"""Scores that are given at each depth; for the others, which depend on the first ranks most, one depth is enough."""


def chances(ranking: Ranking, ks: Sequence[int]) -> Mapping[str, float]:
    """The exact expectation of what :func:`scores` returns if each query's gallery were in random order.

    Example:
        >>> found = Ranking(np.array([[True]]), np.array([1]), np.array([2]), np.array([4]))
        >>> chances(found, [1])["recall@1"]
        0.25
    """
    counts = np.stack([ranking.relevant, ranking.known, ranking.ranked])
    cases, queries = np.unique(counts, axis=1, return_counts=True)  # many queries have the same prospects
    alike = Ranking(np.zeros((cases.shape[1], 0), dtype=bool), *cases)
    by_depth = {k: _chance(alike, k) for k in ks}
    expected = {}
    for name, k in _names(ks):
        expected[f"{name}@{k}"] = float(np.average(by_depth[k][name], weights=queries))
    return expected


def _names(ks: Sequence[int]) -> Iterator[tuple[str, int]]:
    """Which score is wanted at which depth, in the order of the table."""
    for k in ks:
        for name in AT_EVERY_DEPTH:
            yield name, k
    for name in SCORES:
        if name not in AT_EVERY_DEPTH:
            yield name, max(ks)


def _chance(ranking: Ranking, k: int) -> Mapping[str, Floats]:
    """Expected scores ``q`` at k: hits are then drawn without replacement, R of N."""
    share = ranking.relevant / np.maximum(ranking.ranked, 1)
    reach = np.minimum(k, ranking.ranked)
    cut = _cut(ranking, k)
    nothing = _nothing_found(ranking, k)
    first = nothing[:, :-1] - nothing[:, 1:]
    return {
        "map_hits": _chance_map_hits(share, cut, 1 - np.take_along_axis(nothing, cut[:, None], 1)[:, 0]),
        "map_std": _chance_map_std(ranking, share, reach, k),
        "precision": share * (cut > 0),
        "recall": reach / np.maximum(ranking.ranked, 1) * (ranking.relevant > 0),
        "hit_rate": 1 - nothing[:, -1],
        "ndcg": share * _gain(reach) / _ideal_gain(ranking, k),
        "mrr": first @ (1 / np.arange(1.0, k + 1)),
    }


def _chance_map_hits(share: Floats, cut: Ints, some: Floats) -> Floats:
    """Given h hits, the mean precision at a hit is ``(H + (k' - H)(h - 1)/(k' - 1)) / k'``: linear in h."""
    harmonic = _harmonic(cut)
    beyond_first = (cut - harmonic) / np.maximum(cut - 1, 1) * (cut * share - some)
    return (harmonic * some + beyond_first) / np.maximum(cut, 1)


def _chance_map_std(ranking: Ranking, share: Floats, reach: Ints, k: int) -> Floats:
    """At rank i a hit has probability R/N, and then precision ``(1 + (i - 1)(R - 1)/(N - 1)) / i``."""
    harmonic = _harmonic(reach)
    others = (ranking.relevant - 1) / np.maximum(ranking.ranked - 1, 1)
    return share * (harmonic + (reach - harmonic) * others) / np.maximum(np.minimum(k, ranking.relevant), 1)


def _nothing_found(ranking: Ranking, k: int) -> Floats:
    """``q k+1``: the chance that the first 0, 1, ..., k ranks hold no hit."""
    drawn = np.arange(k)
    left = np.maximum(ranking.ranked[:, None] - drawn, 1)
    misses = np.clip((ranking.ranked - ranking.relevant)[:, None] - drawn, 0, None) / left
    misses[drawn >= ranking.ranked[:, None]] = 1  # past the end nothing changes
    return np.cumprod(np.concatenate([np.ones((len(misses), 1)), misses], axis=1), axis=1)


def _cut(ranking: Ranking, k: int) -> Ints:
    """``k' = min(k, P, N)``, the depth of the M5Product toolkit."""
    return np.minimum(np.minimum(k, ranking.known), ranking.ranked)


def _ideal_gain(ranking: Ranking, k: int) -> Floats:
    """Discounted gain of a perfect ranking."""
    return _gain(np.maximum(np.minimum(k, ranking.relevant), 1))


def _gain(count: Ints) -> Floats:
    """Discounted gain of ``count`` hits in the first ranks."""
    return np.cumsum([0, *(1 / np.log2(np.arange(2.0, count.max(initial=0) + 2)))])[count]


def _harmonic(count: Ints) -> Floats:
    """Harmonic numbers ``1 + 1/2 + ... + 1/count``."""
    return np.cumsum([0, *(1 / np.arange(1.0, count.max(initial=0) + 1))])[count]
