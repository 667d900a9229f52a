"""Retrieval: does a query find the gallery items that share its label?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, repeat

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import ConfigError
from m5kit.evaluation.base import (
    Corruption,
    Embedded,
    Gallery,
    GalleryHit,
    GalleryQuery,
    Metric,
    MetricValue,
    Request,
    Result,
    labelled,
)
from m5kit.evaluation.functional.bootstrap import mean_interval
from m5kit.evaluation.functional.hits import find_hits
from m5kit.evaluation.functional.ranking import Ranking, chances, score_names, scores
from m5kit.evaluation.functional.search import NOTHING, top_k
from m5kit.evaluation.functional.vectors import normalise, within_range
from m5kit.ranges import Amount, Count
from m5kit.registry import METRICS


@METRICS.register_module("retrieval")
class Retrieval(Metric):
    """Rank the gallery for every query and score the ranking; mAP is given in both common definitions.

    With different ``query_modalities`` and ``gallery_modalities`` this is cross-modal retrieval; with the label
    ``"id"`` only the item itself is relevant (instance retrieval). Queries without a label are left out; gallery items
    without one are distractors. A query without relevant items in the gallery scores 0, also by chance; if there are
    such queries, ``answerable`` is the share of the others.

    Args:
        query: split of the queries.
        gallery: split that is searched; the same split by default.
        label: two items with the same value are relevant to each other.
        ks: depths at which the ranking is scored.
        query_modalities: what the model may see of a query; None for all modalities of the run.
        gallery_modalities: what it may see of a gallery item.
        space: ``"item"``, a modality, ``"fused"``, ``"unscaled"`` or ``"contrastive"``, see :class:`Request`.
        similarity: ``"cosine"``, or ``"dot"`` for the unnormalised product of the released code.
        leave_one_out: whether a query that is in the gallery is not allowed to find itself. None: yes, unless the label
            is ``"id"``.
        backend: ``"torch"`` or ``"faiss"``.
        noise: strength of the noise that queries get, see :class:`~m5kit.evaluation.request.Corruption`. With the label
            ``"id"`` they then look for themselves as they were, which asks for neither labels nor a second modality.

    Raises:
        ConfigError: an argument has another value than those above.
    """

    def __init__(
        self,
        *,
        query: str,
        label: str,
        gallery: str | None = None,
        ks: Sequence[Count] = (1, 5, 10),
        query_modalities: Sequence[str] | None = None,
        gallery_modalities: Sequence[str] | None = None,
        space: str = "item",
        similarity: str = "cosine",
        leave_one_out: bool | None = None,
        backend: str = "torch",
        noise: Amount = 0.0,
    ) -> None:
        if not ks or min(ks) < 1:
            raise ConfigError([f"ks: expected one or more depths of at least 1, got {list(ks)}"])
        if similarity not in ("cosine", "dot"):
            raise ConfigError([f"similarity: expected 'cosine' or 'dot', got {similarity!r}"])
        if leave_one_out and label == "id":
            raise ConfigError(["leave_one_out: with label 'id' an item may only find itself; set it to false"])
        self.label = label
        self.ks = tuple(ks)
        self.cosine = similarity == "cosine"
        self.leave_one_out = label != "id" if leave_one_out is None else leave_one_out
        self.backend = backend
        corruption = Corruption("noise", strength=noise) if noise else None
        self.queries = replace(Request.of(query, query_modalities, space), corruption=corruption)
        self.gallery = Request.of(gallery or query, gallery_modalities, space)

    def requests(self) -> tuple[Request, ...]:
        """The queries and the gallery; one request if they are the same."""
        return tuple(dict.fromkeys((self.queries, self.gallery)))

    def value_names(self) -> list[str]:
        """As of :meth:`compute`; ``answerable`` only where some queries have nothing to find."""
        return [*score_names(self.ks), "answerable"]

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``map_hits``, ``map_std``, ``precision``, ``recall`` at every k; ``hit_rate``, ``ndcg``, ``mrr`` at the last.

        Names end in their depth: ``map_hits@10``.
        """
        queries = labelled(embedded, self.queries, self.label)
        labelled(embedded, self.gallery, self.label)
        ranking = self.rank(queries, embedded[self.gallery])
        values = scores(ranking, self.ks)
        lows, highs = mean_interval(np.stack(list(values.values()), axis=1), seed)
        chance = chances(ranking, self.ks)
        result = {}
        for (name, by_query), low, high in zip(values.items(), lows, highs, strict=True):
            mean = float(by_query.mean())
            result[name] = MetricValue(mean, chance[name], float(low), float(high), len(queries))
        answerable = float((ranking.relevant > 0).mean())
        if answerable < 1:
            result["answerable"] = MetricValue(answerable, None, None, None, len(queries))
        return result

    def sample_hits(
        self, embedded: Mapping[Request, Embedded], seed: int, *, queries: int = 6, hits: int = 5
    ) -> Gallery:
        """Some queries and their best hits.

        The queries are drawn at random among those with the label, without looking at the results, so that a report
        shows neither the best nor the worst.

        Args:
            embedded: as for :meth:`compute`.
            seed: the same seed draws the same queries.
            queries: how many at most.
            hits: how many of each at most.
        """
        candidates = labelled(embedded, self.queries, self.label)
        order = np.random.default_rng(seed).permutation(len(candidates))[:queries]
        chosen, gallery = candidates.select(np.sort(order)), embedded[self.gallery]
        found = self.nearest(chosen, gallery, hits)
        return Gallery(
            self.queries.split,
            self.gallery.split,
            self.queries.modalities,
            self.gallery.modalities,
            self.label,
            [self._shown(chosen, row, gallery, found[row]) for row in range(len(chosen))],
        )

    def _shown(self, queries: Embedded, row: int, gallery: Embedded, found: NDArray[np.int64]) -> GalleryQuery:
        """One query with its hits, as a report shows them."""
        label, labels = str(queries.label(self.label)[row]), gallery.label(self.label)
        positions = found[found != NOTHING]
        scores = self.vectors(gallery.select(positions)) @ self.vectors(queries)[row]
        hits = []
        for position, score in zip(positions.tolist(), scores.tolist(), strict=True):
            other = str(labels[position])
            hits.append(GalleryHit(str(gallery.ids[position]), other, score, other == label))
        return GalleryQuery(str(queries.ids[row]), label, hits)

    def rank(self, queries: Embedded, gallery: Embedded) -> Ranking:
        """Search the gallery for labelled queries; all scores are computed from the result."""
        there = _positions(queries.ids, gallery.ids)
        own = there if self.leave_one_out else np.full(len(queries), NOTHING)
        wanted, offered = _numbers(queries.label(self.label), gallery.label(self.label))
        classes = int(max(wanted.max(), offered.max())) + 1
        # P of map_hits counts the label in queries and gallery together, an item in both once
        in_gallery = np.bincount(offered, minlength=classes)
        only_asked = np.bincount(wanted[there == NOTHING], minlength=classes)
        # a query that may not find itself is not one of its relevant items either
        own_counts = (own != NOTHING) & (offered[own] == wanted)
        vectors = self.vectors(queries), self.vectors(gallery)
        hits = find_hits(*vectors, max(self.ks), own=own, wanted=wanted, offered=offered, backend=self.backend)
        return Ranking(
            hits=hits,
            relevant=in_gallery[wanted] - own_counts,
            known=(in_gallery + only_asked)[wanted],
            ranked=len(gallery) - (own != NOTHING),
        )

    def nearest(self, queries: Embedded, gallery: Embedded, k: int) -> NDArray[np.int64]:
        """Gallery positions ``q k`` of the hits of each query, best first; -1 where the gallery ends."""
        there = _positions(queries.ids, gallery.ids)
        own = there if self.leave_one_out else np.full(len(queries), NOTHING)
        return top_k(self.vectors(queries), self.vectors(gallery), k, own=own, backend=self.backend)

    def vectors(self, part: Embedded) -> NDArray[np.float32]:
        """The vectors ``b d`` that are compared; their dot products are the scores."""
        return normalise(part.vectors) if self.cosine else within_range(part.vectors)


def _positions(wanted: NDArray[np.str_], ids: NDArray[np.str_]) -> NDArray[np.int64]:
    """The position of each wanted id in ``ids``; -1 if it is not there."""
    where = dict(zip(ids.tolist(), range(len(ids)), strict=True))
    return np.fromiter(map(where.get, wanted.tolist(), repeat(NOTHING)), np.int64, len(wanted))


def _numbers(wanted: NDArray[np.str_], offered: NDArray[np.str_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels as numbers, equal where the labels are; by a dict, because sorting texts takes longer than the search."""
    names = [*wanted.tolist(), *offered.tolist()]
    known = dict(zip(dict.fromkeys(names), count()))  # the numbers have no end
    numbers = np.fromiter(map(known.__getitem__, names), np.int64, len(names))
    return numbers[: len(wanted)], numbers[len(wanted) :]
