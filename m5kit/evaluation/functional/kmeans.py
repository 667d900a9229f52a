"""K-means with several seeded starts, in blocks.

Several starts are made and followed together: each of their many operations is small. Shape letters: b item, d width,
c cluster, s start, n candidate.
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
WORTH_A_START = 5e-4
"""The same while there are several starts: only the best is followed to the end."""
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
    together = max(1, BLOCK // (len(vectors) * max(clusters, _candidates(clusters))))
    sizes = [min(together, restarts - done) for done in range(0, restarts, together)]
    # a generator: only the best partition and the current ones are in memory
    starts = (_spread_starts(items, clusters, generator, size) for size in sizes)
    runs = (_lloyd(items, centres, iterations, WORTH_A_START) for centres in starts)
    best = min(runs, key=lambda run: run.inertia)
    best = _lloyd(items, torch.from_numpy(best.centres)[None], iterations, WORTH_A_PASS)
    return _improve(items, best, iterations)


class _Items(NamedTuple):
    """Items ``b d`` with their squared lengths ``b``, which every pass needs."""

    vectors: Tensor
    squares: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> "_Items":
        return cls(vectors, vectors.square().sum(1))


def _candidates(clusters: int) -> int:
    """Candidates for each centre, as Arthur and Vassilvitskii tried it, and as scikit-learn does."""
    return 2 + int(math.log(clusters))


def _spread_starts(items: _Items, clusters: int, generator: torch.Generator, number: int) -> Tensor:
    """Centres ``s c d`` of some starts, by greedy k-means++.

    Of a few candidates drawn by squared distance, the one is kept that lowers their sum most.
    """
    starts, firsts, points = torch.arange(number), [], []
    for _ in range(number):  # one start after the other, so that it does not matter how many are made together
        firsts.append(torch.randint(len(items.vectors), (1,), generator=generator))
        shape = clusters - 1, _candidates(clusters)
        points.append(torch.rand(shape, generator=generator, dtype=torch.float64))
    chosen = [torch.cat(firsts)]
    nearest = _squared_distances(items, chosen[0])
    for point in torch.stack(points, dim=1):
        drawn = _draw_far(nearest, point)
        lowered = torch.minimum(nearest[:, None], _squared_distances(items, drawn.flatten()).view(*drawn.shape, -1))
        best = lowered.sum(2, dtype=torch.float64).argmin(1)
        chosen.append(drawn[starts, best])
        nearest = lowered[starts, best]
    return items.vectors[torch.stack(chosen, dim=1)]


def _draw_far(distances: Tensor, points: Tensor) -> Tensor:
    """Items ``s n`` drawn with probabilities proportional to squared distances ``s b``, by points ``s n`` below 1."""
    # by the cumulative sum, because torch.multinomial takes 2**24 items at most; in float64, or small steps vanish
    cumulative = distances.cumsum(1, dtype=torch.float64)
    alike = cumulative[:, -1] == 0  # all items are
    if alike.any():
        cumulative[alike] = torch.arange(1.0, distances.shape[1] + 1, dtype=torch.float64)
    # Rounding may put a point at the very end of the sum, behind the last item.
    drawn = torch.searchsorted(cumulative, points * cumulative[:, -1:], right=True)
    return drawn.clamp_(max=distances.shape[1] - 1)


def _squared_distances(items: _Items, chosen: Tensor) -> Tensor:
    """``n b``, from each of n chosen items to all items."""
    distances = torch.addmm(items.squares, items.vectors[chosen], items.vectors.T, alpha=-2)
    return distances.add_(items.squares[chosen, None]).clamp_(min=0)  # rounding can make it negative


def _lloyd(items: _Items, centres: Tensor, iterations: int, worth: float) -> Partition:
    """The best of the starts ``s c d``.

    Each alternates between assigning items to centres and moving centres to their items, until a pass gains
    less than ``worth`` of the inertia.
    """
    distances, assignment = _nearest(items, centres)
    inertia = distances.sum(1, dtype=torch.float64)
    going = torch.arange(len(centres))
    for _ in range(iterations):
        moved = _means(items, assignment[going], distances[going], centres.shape[1])
        centres[going] = moved
        distances[going], assignment[going] = _nearest(items, moved)
        before = inertia[going]
        inertia[going] = distances[going].sum(1, dtype=torch.float64)
        going = going[before - inertia[going] > worth * inertia[going]]
        if not len(going):
            break
    best = inertia.argmin()
    return Partition(assignment[best].numpy(), centres[best].numpy(), float(inertia[best]))


def _improve(items: _Items, partition: Partition, iterations: int) -> Partition:
    """Move single items as long as the inertia falls."""
    centres, assignment = torch.from_numpy(partition.centres), torch.from_numpy(partition.assignment)
    for _ in range(iterations):
        assignment, gain = _move_single_items(items, centres, assignment)
        if gain == 0:
            break
        centres = _means(items, assignment[None], torch.zeros(1, len(assignment)), len(centres))[0]
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
    joins, target = (found[0] for found in _nearest(items, centres[None], sizes / (sizes + 1), without=assignment))
    own = (items.vectors - centres[assignment]).square().sum(1)
    # the only item of a cluster costs nothing where it is
    leaves = torch.where(sizes > 1, sizes / (sizes - 1), 0.0)[assignment] * own
    gain = leaves - joins
    worth = np.flatnonzero((gain > TOLERANCE * own).numpy())
    order = torch.from_numpy(worth[np.argsort(-gain.numpy()[worth], kind="stable")])
    moves = (order.tolist(), assignment[order].tolist(), target[order].tolist(), gain[order].tolist())
    chosen, touched, total = dict[int, int](), set[int](), 0.0
    for item, source, to, gained in zip(*moves, strict=True):
        # the gains of moves that share a cluster do not add up
        if source not in touched and to not in touched:
            chosen[item] = to
            total += gained
            touched |= {source, to}
            if len(touched) >= len(centres) - 1:  # each move takes two
                break
    moved = assignment.clone()
    moved[list(chosen)] = torch.tensor(list(chosen.values()), dtype=moved.dtype)
    return moved, total


def _nearest(
    items: _Items, centres: Tensor, factors: Tensor | None = None, without: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Squared distance to the nearest centre, and the number of that centre, each ``s b``.

    Args:
        items: ``b d``.
        centres: ``s c d``.
        factors: ``c``, by which the squared distances are multiplied.
        without: ``b``, a centre that is not looked at.
    """
    flat = centres.flatten(0, 1)
    offset = flat.square().sum(1, keepdim=True)
    columns = max(1, BLOCK // len(flat))
    blocks = []
    # in blocks that bound the memory
    for start in range(0, len(items.vectors), columns):
        part = slice(start, start + columns)
        apart = torch.addmm(offset, flat, items.vectors[part].T, alpha=-2).view(*centres.shape[:2], -1)
        # an item's own length changes nothing for the nearest, unless distances are multiplied
        squares = items.squares[part]
        if factors is not None:
            apart.add_(squares).clamp_(min=0).mul_(factors[:, None])
        if without is not None:
            apart.scatter_(1, without[None, None, part], torch.inf)
        least, number = _least(apart)
        blocks.append((least if factors is not None else least.add_(squares).clamp_(min=0), number))
    return torch.cat([least for least, _ in blocks], 1), torch.cat([number for _, number in blocks], 1)


def _least(table: Tensor) -> tuple[Tensor, Tensor]:
    """The least of ``s c b`` by start and item, and the first c that has it.

    ``torch.min`` gives both, in five times as long: it goes from number to number.
    """
    clusters, least = table.shape[1], table.amin(1)
    kind = torch.uint8 if clusters < 2**8 else torch.int16 if clusters < 2**15 else torch.int64
    ranks = torch.arange(clusters, 0, -1).to(kind)[:, None]
    same = torch.from_numpy(np.equal(table.numpy(), least[:, None].numpy()))  # torch takes five times as long
    first = clusters - (same * ranks).amax(1).long()
    return least, first.clamp_(max=clusters - 1)  # what is no number equals nothing


def _means(items: _Items, assignment: Tensor, distances: Tensor, clusters: int) -> Tensor:
    """The centres ``s c d`` of the items of each cluster; ``assignment`` and ``distances`` are ``s b``."""
    centres = torch.zeros(len(assignment), clusters, items.vectors.shape[1])
    places = assignment + clusters * torch.arange(len(assignment))[:, None]
    sizes = places.flatten().bincount(minlength=len(assignment) * clusters).view(-1, clusters)
    for sums, chosen in zip(centres, assignment, strict=True):
        sums.index_add_(0, chosen, items.vectors)
    centres.div_(sizes.clamp(min=1)[:, :, None])
    for start in (sizes == 0).any(1).nonzero().flatten().tolist():
        empty = (sizes[start] == 0).nonzero().squeeze(1)
        # an empty cluster would stay empty for ever, so it takes an item that is far from its centre
        centres[start, empty] = items.vectors[distances[start].topk(len(empty)).indices]
    return centres
