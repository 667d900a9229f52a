"""Approximate search for many items: the store's own index, tuned until it finds what an exact search finds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.codes import BITS, VECTOR, read_vectors
from m5kit.index.find import NEAREST, QUERIES, find
from m5kit.index.store import Store

GOAL = 0.95
"""Recall that a search must have against the exact one."""
REFINE = 10
MOST_REFINE = 80

GROWTH = 1.5
"""How many times the items may become before partitions are made anew."""

Say = Callable[[str], None]


def approximate(store: Store, about: IndexInfo, say: Say) -> Approximation:
    """Have the store search approximately, with the least work that reaches the goal; the recall is measured.

    Args:
        store: of many items.
        about: how the items were searched so far.
        say: gets the outcome.
    """
    before = about.approximation
    if before is not None and len(store) <= GROWTH * before.items:
        how = before  # what was added goes into the partitions that there are
    else:
        partitions = store.approximate(BITS if about.is_rescored else VECTOR)
        how = Approximation(len(store), partitions, probes=max(1, partitions // 50), refine=REFINE, recall=0.0)
    queries = sample_vectors(store, about, QUERIES)
    truth = [find(store, about, query, None) for query in queries]
    how = measure(store, about, queries, truth, how)
    while how.recall < GOAL and (how.probes < how.partitions or how.refine < MOST_REFINE):
        how = measure(store, about, queries, truth, _more_work(how))
    say(
        f"approximate search: reads {how.probes} of {how.partitions} partitions, recall@{NEAREST} {how.recall:.3f} "
        f"against exact search ({len(queries)} items as queries)"
    )
    return how


def _more_work(how: Approximation) -> Approximation:
    """More partitions first: scoring more candidates again costs less, and helps less."""
    if how.probes < how.partitions:
        return replace(how, probes=min(how.partitions, how.probes * 2))
    return replace(how, refine=how.refine * 2)


def measure(
    store: Store, about: IndexInfo, queries: NDArray[np.float32], truth: list[set[str]], how: Approximation
) -> Approximation:
    """The same settings with the recall that they have."""
    hits = 0
    for query, right in zip(queries, truth, strict=True):
        hits += len(find(store, about, query, how) & right)
    return replace(how, recall=hits / sum(map(len, truth)))


def sample_vectors(store: Store, about: IndexInfo, count: int) -> NDArray[np.float32]:
    """Vectors of random items, the same ones for the same items: ``n d``."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(store), size=min(count, len(store)), replace=False)
    return read_vectors(store.sample(sorted(chosen.tolist())), about)
