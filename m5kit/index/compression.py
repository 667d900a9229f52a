"""Measures how many of the true neighbours an index of compressed vectors finds, while the whole vectors are read once.

Shape letters: q query, d width of the vectors that are kept.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from m5kit.evaluation.precision import BITS as BITS_OF
from m5kit.index.about import Compression, IndexInfo
from m5kit.index.codes import as_kept
from m5kit.index.find import NEAREST, find
from m5kit.index.store import Store
from m5kit.index.truth import Truth

GOAL = 0.95
"""Recall at which no more candidates are scored again."""

REFINE, MOST_REFINE = 10, 80

Say = Callable[[str], None]


def compress(store: Store, about: IndexInfo, truth: Truth, say: Say) -> IndexInfo:
    """Find the least number of candidates to score again that reaches the goal, and note the recall.

    Args:
        store: of items whose vectors are short or of few bits.
        about: how they are searched.
        truth: of whole vectors.
        say: gets the outcome.
    """
    if truth.queries is None:
        return about
    queries = as_kept(truth.queries, about)
    tried = measure(store, queries, truth, about, REFINE if about.is_rescored else 1)
    while about.is_rescored and tried.recall < GOAL and tried.refine < MOST_REFINE:
        tried = measure(store, queries, truth, about, tried.refine * 2)
    size, whole = -(-about.width * BITS_OF[about.precision] // 8), (about.whole or about.width) * 4
    again = f"{tried.refine} candidates a hit scored again, " if about.is_rescored else ""
    say(
        f"{about.precision} vectors of width {about.width}: {size:,} bytes an item instead of {whole:,}; {again}"
        f"recall@{NEAREST} {tried.recall:.3f} against exact search by whole vectors ({len(queries)} items as queries)"
    )
    return replace(about, compression=tried)


def measure(store: Store, queries: NDArray[np.float32], truth: Truth, about: IndexInfo, refine: int) -> Compression:
    """The recall where ``refine`` candidates are scored again for each hit."""
    asked = replace(about, compression=Compression(refine, 0.0))
    hits, wanted = 0, 0
    for query, right in zip(queries, truth.nearest, strict=True):
        hits += len(find(store, asked, query, asked.approximation) & right)
        wanted += len(right)
    return Compression(refine, hits / wanted)
