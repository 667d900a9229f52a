"""Cross-modal retrieval: does one modality of an item find another one? For every ordered pair of modalities."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Metric, MetricValue, Request, Result
from m5kit.evaluation.retrieval import Retrieval
from m5kit.evaluation.values import average
from m5kit.ranges import Count
from m5kit.registry import METRICS

Side = str | Sequence[str]
"""One modality, or several that are seen together."""


@METRICS.register_module("cross_modal")
class CrossModal(Metric):
    """Retrieval from each modality to each other one, in one table; every modality is embedded once.

    An item that has none of a side's modalities is left out of that pair; ``coverage`` is the share of the queries that
    remain. By id, the default, an item that lacks either side is left out of both queries and gallery.

    Args:
        split: of the queries.
        modalities: those to pair; by default all of the run.
        gallery: split that is searched; the same split by default.
        label: ``"id"`` for the item itself, or a label that a query and its hits share.
        pairs: query side and gallery side of each pair, as in ``[image, [text, table]]``; None for all ordered pairs
            of single modalities.
        ks: depths of ``recall`` (by id) or ``map_std`` (by a label); ``mrr`` is given at the largest.
        space: ``"contrastive"`` or ``"fused"``, see :class:`~m5kit.evaluation.base.Request`.

    Raises:
        ConfigError: there is no pair, or one does not have two sides.
    """

    needs_modalities = True
    least_modalities = 2

    def __init__(
        self,
        *,
        split: str,
        modalities: Sequence[str],
        gallery: str | None = None,
        label: str = "id",
        pairs: Sequence[Sequence[Side]] | None = None,
        ks: Sequence[Count] = (1, 10),
        space: str = "contrastive",
    ) -> None:
        sides = list(permutations(sorted(set(modalities)), 2)) if pairs is None else pairs
        if not sides or any(isinstance(pair, str) or len(pair) != 2 for pair in sides):
            raise ConfigError([f"pairs: expected query and gallery side of one or more pairs, got {pairs!r}"])
        self.label = label
        score = "recall" if label == "id" else "map_std"
        self.wanted = [*(f"{score}@{k}" for k in ks), f"mrr@{max(ks, default=1)}"]
        self.searches: dict[str, Retrieval] = {}
        for left, right in sides:
            self.searches[f"{_named(left)}->{_named(right)}"] = Retrieval(
                query=split,
                gallery=gallery,
                label=label,
                ks=ks,
                query_modalities=left,  # type: ignore[arg-type]  # Request.of takes a bare name too
                gallery_modalities=right,  # type: ignore[arg-type]
                space=space,
            )

    @classmethod
    def example(cls) -> dict[str, Sequence[str]]:
        """Two modalities."""
        return {"modalities": ("a", "b")}

    def requests(self) -> tuple[Request, ...]:
        """The requests of all pairs, each once."""
        asked: dict[Request, None] = {}  # a set that keeps the order
        for search in self.searches.values():
            asked |= dict.fromkeys(search.requests())
        return tuple(asked)

    def value_names(self) -> list[str]:
        """As of :meth:`compute`; a pair that no item has gives nothing but its coverage."""
        names = [f"{name}|mean" for name in self.wanted]
        for pair in self.searches:
            names += [*(f"{name}|{pair}" for name in self.wanted), f"coverage|{pair}"]
        return names

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Values such as ``recall@10|a->b`` and ``coverage|a->b`` of every pair, and ``recall@10|mean`` over them.

        Raises:
            DataError: no pair has an item on both sides.
        """
        tables = dict(self._tables(embedded, seed))
        answered = [table for table in tables.values() if table]
        if not answered:
            raise DataError(f"no item has both sides of any of the pairs {', '.join(self.searches)}")
        result = {}
        for name in self.wanted:
            result[f"{name}|mean"] = average([table[name] for table in answered])
        for pair, search in self.searches.items():
            for name in self.wanted if tables[pair] else ():
                result[f"{name}|{pair}"] = tables[pair][name]
            share = float(_sides(search, embedded)[0].mean())
            result[f"coverage|{pair}"] = MetricValue(share, None, None, None, len(embedded[search.queries]))
        return result

    def _tables(self, embedded: Mapping[Request, Embedded], seed: int) -> Iterator[tuple[str, Result]]:
        """The values of each pair; empty where no item has both sides."""
        for pair, search in self.searches.items():
            left, right = _sides(search, embedded)
            queries, gallery = embedded[search.queries].select(left), embedded[search.gallery].select(right)
            there = len(queries) and len(gallery)
            yield pair, search.compute({search.queries: queries, search.gallery: gallery}, seed) if there else {}


def _sides(search: Retrieval, embedded: Mapping[Request, Embedded]) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the queries and the gallery items that take part."""
    queries, gallery = embedded[search.queries], embedded[search.gallery]
    left, right = queries.seen, gallery.seen
    if search.label == "id":
        # an item without one of the sides could not be found, whatever the model
        both = np.intersect1d(queries.ids[left], gallery.ids[right])
        return np.isin(queries.ids, both), np.isin(gallery.ids, both)
    return left, right


def _named(side: Side) -> str:
    """The name of a side in the names of values."""
    return side if isinstance(side, str) else "+".join(side)
