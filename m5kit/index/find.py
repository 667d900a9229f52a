"""The ids of the nearest items, by which the recall of a way of searching is measured."""

import numpy as np
from numpy.typing import NDArray

from m5kit.index.about import Approximation, IndexInfo
from m5kit.index.codes import candidates, read_vectors
from m5kit.index.store import Store

QUERIES, NEAREST = 100, 10
"""Items that serve as queries where recall is measured, and how many of their nearest items must be found."""


def find(store: Store, about: IndexInfo, query: NDArray[np.float32], how: Approximation | None) -> set[str]:
    """The ids of the NEAREST items to a unit vector ``d``, as a search ranks them."""
    found = store.search(candidates(query, about, NEAREST), "", how, ())
    if not about.is_rescored:
        return set(found["id"].to_pylist())
    # Stable, so that a tie at the last place is cut alike each time.
    best = np.argsort(-(read_vectors(found, about) @ query), kind="stable")[:NEAREST]
    ids = found["id"].to_pylist()
    return {ids[place] for place in best}
