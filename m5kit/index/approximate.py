"""Approximate search for many items: the store's own index, tuned until it finds what an exact search finds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.codes import BITS, VECTOR, read_vectors
from m5kit.index.find import NEAREST, QUERIES, find
from m5kit.index.store import Store
from m5kit.index.truth import Truth

GOAL = 0.95
"""Recall that a search must have against the exact one."""
REFINE = 10
"""Candidates a hit that are scored again with whole vectors, to begin with."""
MOST_REFINE = 80
"""And at most; beyond, only more partitions can help."""

GROWTH = 1.5
"""How many times the items may become before partitions are made anew."""

Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Say nothing."""


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
        # A fiftieth of the partitions to begin with; probes are doubled until the recall is enough.
        how = Approximation(len(store), partitions, probes=max(1, partitions // 50), refine=REFINE, recall=0.0)
    queries = sample_vectors(store, about, QUERIES)
    truth = exact_nearest(store, about, queries)
    how = measure(store, about, queries, truth, how)
    while how.recall < GOAL and (more := _more_work(how, about)):
        tried = [measure(store, about, queries, truth, each) for each in more]
        how = max(tried, key=lambda each: each.recall)  # the first of equals
    say(
        f"approximate search: reads {how.probes} of {how.partitions} partitions, scores {how.refine} candidates a hit "
        f"again; recall@{NEAREST} {how.recall:.3f} against exact search ({len(queries)} items as queries)"
    )
    return how


def exact_nearest(store: Store, about: IndexInfo, queries: NDArray[np.float32]) -> list[set[str]]:
    """For each query, the ids of the items that an exact search finds."""
    if about.is_rescored:
        return [find(store, about, query, None) for query in queries]
    # Read once for all queries: a hundred searches would read a million vectors a hundred times.
    truth = Truth(queries)
    for piece in store.pieces(["id", VECTOR]):
        truth.see(piece["id"].to_pylist(), read_vectors(piece, about))
    return truth.nearest


def _more_work(how: Approximation, about: IndexInfo) -> list[Approximation]:
    """What may find more: more candidates that are scored again, which costs less, and more partitions.

    Which of them helps depends on the vectors. Where many are about equally near, a bit a number does not tell them
    apart, however many partitions are read.
    """
    more = []
    if how.refine < MOST_REFINE and not about.is_rescored:
        more.append(replace(how, refine=how.refine * 2))
    if how.probes < how.partitions:
        more.append(replace(how, probes=min(how.partitions, how.probes * 2)))
    return more


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
