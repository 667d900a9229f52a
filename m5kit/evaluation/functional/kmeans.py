"""K-means with several seeded starts, in blocks.

Shape letters: b item, d width, c cluster.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 8_000_000
"""Distances in memory at once."""
WORTH_A_PASS = 1e-4
"""Part of the inertia that a pass must gain for another pass to follow."""
TOLERANCE = 1e-4
"""A single item moves if that gains this part of its squared distance; less is rounding in float32."""


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
    """The best of several runs of Lloyd's algorithm from greedy k-means++ starts.

    An empty cluster is moved to the item that is farthest from its centre. The best run is improved further by moving
    single items, where that lowers the inertia although the item's own centre is nearer.
    Source: Lloyd (1982); Arthur and Vassilvitskii, k-means++ (2007), its greedy form; Hartigan (1975) for single items.

    Args:
        vectors: ``b d``.
        clusters: c; at most b of them can hold an item.
        seed: the same seed gives the same partition.
        restarts: starts to choose from by inertia.
        iterations: upper bound of each run, which ends when a pass lowers the inertia by less than 1e-4 of it.

    Example:
        >>> kmeans(np.array([[0.0], [9.0], [1.0], [8.0]], dtype=np.float32), 2, seed=0).inertia
        1.0
    """
    items = _Items.of(torch.from_numpy(vectors))
    clusters = min(clusters, len(vectors))
    generator = torch.Generator().manual_seed(seed)
    # a generator: only the best partition and the current one are in memory
    runs = (_lloyd(items, _spread_start(items, clusters, generator), iterations) for _ in range(restarts))
    best = min(runs, key=lambda run: run.inertia)
    return _improve(items, best, iterations)


class _Items(NamedTuple):
    """Items ``b d`` with their squared lengths ``b``, which every pass needs."""

    vectors: Tensor
    squares: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> "_Items":
        return cls(vectors, vectors.square().sum(1))


def _spread_start(items: _Items, clusters: int, generator: torch.Generator) -> Tensor:
    """Greedy k-means++: of a few candidates drawn by squared distance, keep the one that lowers their sum most."""
    candidates = 2 + int(math.log(clusters))  # as Arthur and Vassilvitskii tried it, and as scikit-learn does
    first = torch.randint(len(items.vectors), (1,), generator=generator)
    chosen, nearest = [first[0]], _squared_distances(items, first)[0]
    for _ in range(1, clusters):
        drawn = _draw_far(nearest, candidates, generator)
        lowered = torch.minimum(nearest, _squared_distances(items, drawn))
        best = int(lowered.double().sum(1).argmin())
        chosen.append(drawn[best])
        nearest = lowered[best]
    return items.vectors[torch.stack(chosen)]


def _draw_far(distances: Tensor, number: int, generator: torch.Generator) -> Tensor:
    """Items drawn with probabilities proportional to their squared distances ``b``."""
    # by the cumulative sum, because torch.multinomial takes 2**24 items at most; in float64, or small steps vanish
    cumulative = distances.double().cumsum(0)
    total = float(cumulative[-1])
    if total == 0:  # all items are alike
        cumulative, total = torch.arange(1.0, len(distances) + 1, dtype=torch.float64), float(len(distances))
    points = torch.rand(number, generator=generator, dtype=torch.float64).mul_(total)
    # Rounding may put a point at the very end of the sum, behind the last item.
    return torch.searchsorted(cumulative, points, right=True).clamp_(max=len(distances) - 1)


def _squared_distances(items: _Items, chosen: Tensor) -> Tensor:
    """``n b``, from each of n chosen items to all items."""
    return _squared(items.vectors[chosen], items.squares[chosen], items.vectors, items.squares)


def _squared(one: Tensor, one_squares: Tensor, other: Tensor, other_squares: Tensor) -> Tensor:
    """Squared distances ``n m`` of ``n d`` and ``m d`` by one matrix product."""
    distances = one_squares[:, None] + other_squares
    distances.sub_(one @ other.T, alpha=2)
    return distances.clamp_(min=0)  # rounding can make it negative


def _lloyd(items: _Items, centres: Tensor, iterations: int) -> Partition:
    """Alternate between assigning items to centres and moving centres to their items, until little is gained."""
    distances, assignment = _nearest(items, centres)
    inertia = float(distances.double().sum())
    for _ in range(iterations):
        before = inertia
        centres = _means(items, assignment, distances, len(centres))
        distances, assignment = _nearest(items, centres)
        inertia = float(distances.double().sum())
        if before - inertia <= WORTH_A_PASS * inertia:
            break
    return Partition(assignment.numpy(), centres.numpy(), inertia)


def _improve(items: _Items, partition: Partition, iterations: int) -> Partition:
    """Move single items as long as the inertia falls."""
    centres, assignment = torch.from_numpy(partition.centres), torch.from_numpy(partition.assignment)
    for _ in range(iterations):
        assignment, gain = _move_single_items(items, centres, assignment)
        if gain == 0:
            break
        centres = _means(items, assignment, torch.zeros(len(assignment)), len(centres))
        if gain < WORTH_A_PASS * partition.inertia:
            break
    distances = (items.vectors - centres[assignment]).square().sum(1)
    return Partition(assignment.numpy(), centres.numpy(), float(distances.double().sum()))


def _move_single_items(items: _Items, centres: Tensor, assignment: Tensor) -> tuple[Tensor, float]:
    """The assignment after moves that each lower the inertia, and by how much they do.

    A cluster's centre follows an item that leaves or joins it. Of a cluster of n items, one at squared distance s costs
    ``s n / (n - 1)`` while it is there, and would cost another cluster ``s n / (n + 1)``.
    """
    sizes = assignment.bincount(minlength=len(centres)).to(centres.dtype)
    joins, target = _nearest(items, centres, factors=sizes / (sizes + 1), without=assignment)
    own = (items.vectors - centres[assignment]).square().sum(1)
    # the only item of a cluster costs nothing where it is
    leaves = torch.where(sizes > 1, sizes / (sizes - 1), 0.0)[assignment] * own
    gain = leaves - joins
    order = gain.argsort(descending=True)[: int((gain > TOLERANCE * own).sum())]
    moved, touched, total = assignment.clone(), set[int](), 0.0
    moves = (order.tolist(), assignment[order].tolist(), target[order].tolist(), gain[order].tolist())
    for item, source, to, gained in zip(*moves, strict=True):
        # the gains of moves that share a cluster do not add up
        if source not in touched and to not in touched:
            moved[item] = to
            total += gained
            touched |= {source, to}
    return moved, total


def _nearest(
    items: _Items, centres: Tensor, factors: Tensor | None = None, without: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Squared distance to the nearest centre, and the number of that centre, each ``b``.

    Args:
        items: ``b d``.
        centres: ``c d``.
        factors: ``c``, by which the squared distances are multiplied.
        without: ``b``, a centre that is not looked at.
    """
    offset = centres.square().sum(1)
    rows = max(1, BLOCK // len(centres))
    blocks = []
    # in blocks that bound the memory
    for start in range(0, len(items.vectors), rows):
        part = slice(start, start + rows)
        squared = _squared(items.vectors[part], items.squares[part], centres, offset)
        if factors is not None:
            squared *= factors
        if without is not None:
            squared.scatter_(1, without[part, None], torch.inf)
        blocks.append(squared.min(1))
    return torch.cat([block.values for block in blocks]), torch.cat([block.indices for block in blocks])


def _means(items: _Items, assignment: Tensor, distances: Tensor, clusters: int) -> Tensor:
    """The centres ``c d`` of the items of each cluster."""
    sizes = assignment.bincount(minlength=clusters)
    sums = torch.zeros(clusters, items.vectors.shape[1]).index_add_(0, assignment, items.vectors)
    centres = sums / sizes.clamp(min=1)[:, None]
    if not sizes.all():
        empty = (sizes == 0).nonzero().squeeze(1)
        # an empty cluster would stay empty for ever, so it takes an item that is far from its centre
        centres[empty] = items.vectors[distances.topk(len(empty)).indices]
    return centres
