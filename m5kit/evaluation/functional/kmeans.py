"""K-means with several seeded starts, in blocks.

Shape letters: b item, d width, c cluster.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 8_000_000
"""Distances in memory at once."""


@dataclass(frozen=True, eq=False)
class Partition:
    """The result of k-means.

    Attributes:
        assignment: ``b`` cluster numbers.
        centres: ``c d``.
        inertia: sum of the squared distances of the items to their centres.
    """

    assignment: NDArray[np.int64]
    centres: NDArray[np.float32]
    inertia: float


def kmeans(
    vectors: NDArray[np.float32], clusters: int, seed: int, *, restarts: int = 10, iterations: int = 100
) -> Partition:
    """The best of several runs of Lloyd's algorithm from k-means++ starts.

    An empty cluster is moved to the item that is farthest from its centre.
    Source: Lloyd (1982); Arthur and Vassilvitskii, k-means++ (2007).

    Args:
        vectors: ``b d``.
        clusters: c; at most b of them can hold an item.
        seed: the same seed gives the same partition.
        restarts: starts to choose from by inertia.
        iterations: upper bound of each run, which ends when no item moves.

    Example:
        >>> kmeans(np.array([[0.0], [9.0], [1.0], [8.0]], dtype=np.float32), 2, seed=0).inertia
        1.0
    """
    items = torch.from_numpy(vectors)
    clusters = min(clusters, len(items))
    generator = torch.Generator().manual_seed(seed)
    # a generator: only the best partition and the current one are in memory
    runs = (_lloyd(items, _spread_start(items, clusters, generator), iterations) for _ in range(restarts))
    return min(runs, key=lambda run: run.inertia)


def _spread_start(items: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """k-means++: draw each next centre among the items, with probabilities proportional to squared distances."""
    chosen = torch.randint(len(items), (1,), generator=generator)
    distances = (items - items[chosen]).square().sum(1)
    for _ in range(clusters - 1):
        weights = distances if distances.sum() > 0 else torch.ones_like(distances)
        # by the cumulative sum, because torch.multinomial takes 2**24 items at most; in float64, or small steps vanish
        cumulative = weights.double().cumsum(0)
        point = torch.rand(1, generator=generator, dtype=torch.float64) * cumulative[-1]
        drawn = torch.searchsorted(cumulative, point, right=True).clamp(max=len(items) - 1)
        chosen = torch.cat([chosen, drawn])
        distances = torch.minimum(distances, (items - items[chosen[-1]]).square().sum(1))
    return items[chosen].clone()


def _lloyd(items: Tensor, centres: Tensor, iterations: int) -> Partition:
    """Alternate between assigning items to centres and moving centres to their items, until nothing moves."""
    distances, assignment = _nearest(items, centres)
    for _ in range(iterations):
        before = assignment
        centres = _means(items, assignment, distances, len(centres))
        distances, assignment = _nearest(items, centres)
        if torch.equal(before, assignment):
            break
    return Partition(assignment.numpy(), centres.numpy(), float(distances.double().sum()))


def _nearest(items: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distance to the nearest centre, and the number of that centre, each ``b``."""
    offset = centres.square().sum(1)
    rows = max(1, BLOCK // len(centres))
    distances, nearest = [], []
    for start in range(0, len(items), rows):
        # |x - c|^2 without |x|^2, which is the same for every centre, in blocks that bound the memory.
        found = (offset - 2 * items[start : start + rows] @ centres.T).min(1)
        distances.append(found.values)
        nearest.append(found.indices)
    # the part that was left out above
    squared = torch.cat(distances) + items.square().sum(1)
    return squared.clamp(min=0), torch.cat(nearest)  # rounding can make it negative


def _means(items: Tensor, assignment: Tensor, distances: Tensor, clusters: int) -> Tensor:
    """The centres ``c d`` of the items of each cluster."""
    sizes = assignment.bincount(minlength=clusters)
    sums = items.new_zeros(clusters, items.shape[1]).index_add_(0, assignment, items)
    empty = (sizes == 0).nonzero().squeeze(1)
    centres = sums / sizes.clamp(min=1)[:, None]
    # an empty cluster would stay empty for ever, so it takes an item that is far from its centre
    centres[empty] = items[distances.topk(len(empty)).indices]
    return centres
