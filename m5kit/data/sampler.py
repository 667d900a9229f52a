"""Which items make up which step: a function of seed and position, so that a run can start anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from m5kit.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Draw:
    """The item ``index`` taken as number ``position`` since the run began."""

    position: int
    index: int


class StepSampler(Sampler[list[Draw]]):
    """Endless batches for training, in an order fixed by the seed.

    Each pass over the items is shuffled anew. A batch that a pass cannot fill is filled from the next, so all batches
    are full and no item is left out. Set ``start`` before iterating to go on where another run stopped.

    Args:
        size: how many items there are.
        batch_size: items in a step, over all ranks.
        seed: of the order.
        rank: which share of each step this process takes.
        world_size: how many processes share a step.
        start: how many items were consumed before, over all ranks.

    Raises:
        DataError: there are fewer items than a step needs.
        ConfigError: the ranks cannot share a step evenly.

    Example:
        >>> steps = iter(StepSampler(size=3, batch_size=2, seed=0))
        >>> next(steps), next(steps)
        ([Draw(position=0, index=2), Draw(position=1, index=0)], [Draw(position=2, index=1), Draw(position=3, index=2)])
    """

    def __init__(
        self, *, size: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1, start: int = 0
    ) -> None:
        if size < batch_size:
            raise DataError(f"a step needs {batch_size} items and there are {size}; lower schedule.batch_size")
        if batch_size % world_size:
            raise ConfigError(
                [f"schedule.batch_size: {batch_size} items cannot be shared evenly by {world_size} processes"]
            )
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.start = start

    def __iter__(self) -> Iterator[list[Draw]]:
        share = self.batch_size // self.world_size
        epoch, order = -1, np.empty(0, dtype=np.int64)
        first = self.start + self.rank * share
        while True:
            batch = []
            for position in range(first, first + share):
                if position // self.size != epoch:
                    epoch = position // self.size
                    order = np.random.default_rng([self.seed, epoch]).permutation(self.size)
                batch.append(Draw(position, int(order[position % self.size])))
            yield batch
            first += self.batch_size


class SequentialSampler(Sampler[list[Draw]]):
    """Every item once, in order, for evaluation; the last batch may be smaller.

    Args:
        size: how many items there are.
        batch_size: items in a batch of this process.
        rank: this process takes every ``world_size``-th batch, from this one on.
        world_size: how many processes share the items.
    """

    def __init__(self, *, size: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        self.size = size
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[list[Draw]]:
        for first in self._firsts():
            yield [Draw(index, index) for index in range(first, min(first + self.batch_size, self.size))]

    def __len__(self) -> int:
        return len(self._firsts())

    def _firsts(self) -> range:
        return range(self.rank * self.batch_size, self.size, self.world_size * self.batch_size)
