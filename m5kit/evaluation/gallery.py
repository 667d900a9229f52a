"""What some queries of a retrieval task found, for people to look at."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from m5kit.evaluation.base import Embedded, Request, labelled
from m5kit.evaluation.functional.search import NOTHING
from m5kit.evaluation.retrieval import Retrieval


def found_by_some(
    metric: Retrieval, embedded: Mapping[Request, Embedded], seed: int, *, queries: int = 6, hits: int = 5
) -> dict[str, Any]:
    """Some queries and their best hits as JSON: splits, label, and for each query its hits with score and relevance.

    The queries are drawn at random among those with the label, before anything is searched, so that what is shown is
    neither the best nor the worst.

    Args:
        metric: the retrieval task.
        embedded: as for its ``compute``.
        seed: the same seed draws the same queries.
        queries: how many at most.
        hits: how many of each at most.
    """
    everyone = labelled(embedded, metric.queries, metric.label)
    order = np.random.default_rng(seed).permutation(len(everyone))[:queries]
    chosen, gallery = everyone.select(np.sort(order)), embedded[metric.gallery]
    found = metric.nearest(chosen, gallery, hits)
    left, right = metric.vectors(chosen), metric.vectors(gallery)
    wanted, offered = chosen.label(metric.label), gallery.label(metric.label)

    def hit(query: int, position: int) -> dict[str, Any]:
        return {
            "id": str(gallery.ids[position]),
            "label": str(offered[position]),
            "score": float(left[query] @ right[position]),
            "relevant": bool(offered[position] == wanted[query]),
        }

    return {
        "query_split": metric.queries.split,
        "gallery_split": metric.gallery.split,
        "query_modalities": metric.queries.modalities,
        "gallery_modalities": metric.gallery.modalities,
        "label": metric.label,
        "queries": [
            {
                "id": str(chosen.ids[row]),
                "label": str(wanted[row]),
                "hits": [hit(row, position) for position in positions if position != NOTHING],
            }
            for row, positions in enumerate(found.tolist())
        ],
    }
