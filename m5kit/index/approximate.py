"""Approximate search for many items: the store's own index, tuned until it finds what an exact search finds."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from m5kit.index.about import Approximation
from m5kit.index.store import Store

GOAL = 0.95
"""Recall that a search must have against the exact one."""
QUERIES, NEAREST = 100, 10
REFINE = 10
MOST_REFINE = 80

Say = Callable[[str], None]


def approximate(store: Store, say: Say) -> Approximation:
    """Build the store's index and find the least work with which it reaches the goal; the recall is measured."""
    partitions = store.approximate()
    queries = sample_vectors(store, QUERIES)
    truth = [find(store, query, None) for query in queries]
    how = Approximation(probes=max(1, partitions // 50), refine=REFINE, recall=0.0)
    while True:
        how = measure(store, queries, truth, how)
        if how.recall >= GOAL or (how.probes >= partitions and how.refine >= MOST_REFINE):
            say(
                f"approximate search: reads {how.probes} of {partitions} partitions, recall@{NEAREST} {how.recall:.3f} "
                f"against exact search ({len(queries)} items as queries)"
            )
            return how
        # more partitions first: scoring more candidates again costs less, and helps less
        wider = min(partitions, how.probes * 2)
        refine = how.refine if wider > how.probes else how.refine * 2
        how = Approximation(wider, refine, how.recall)


def measure(store: Store, queries: NDArray[np.float32], truth: list[set[str]], how: Approximation) -> Approximation:
    """The same settings with the recall that they have."""
    hits = 0
    for query, right in zip(queries, truth, strict=True):
        hits += len(find(store, query, how) & right)
    return Approximation(how.probes, how.refine, hits / sum(map(len, truth)))


def find(store: Store, query: NDArray[np.float32], how: Approximation | None) -> set[str]:
    """The ids of the nearest items."""
    return set(store.search(query, "", NEAREST, how, ())["id"].to_pylist())


def sample_vectors(store: Store, count: int) -> NDArray[np.float32]:
    """Vectors of random items, the same ones for the same items: ``n d``."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(store), size=min(count, len(store)), replace=False)
    column = store.sample(sorted(chosen.tolist()))["vector"].combine_chunks()
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(len(column), -1)
