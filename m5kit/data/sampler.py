"""Which items make up which step: a function of seed and position, so that a run can start anywhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from m5kit.data.orders import order_of
from m5kit.errors import ConfigError, DataError
from m5kit.parallel.shares import dealt, shares

Costs = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]
"""How much there is to do for some items, in any unit."""


@dataclass(frozen=True, slots=True)
class Draw:
    """The item ``index`` taken as number ``position`` since the run began."""

    position: int
    index: int


class StepSampler(Sampler[list[Draw]]):
    """Endless batches for training, in an order fixed by the seed.

    Each pass over the items is shuffled anew. A batch that a pass cannot fill is filled from the next, so all batches
    are full and no item is left out.

    Args:
        size: how many items there are.
        batch_size: items in a step, over all ranks.
        seed: of the order.
        groups: of each item, its class, for batches in which all classes come equally often; None takes the items as
            they are.
        blocks: how many items each shard has; with a ``window``, so many shards are mixed at a time.
        window: None mixes all items.
        rank: which share of each step this process takes.
        world_size: how many processes share a step.
        costs: of items, so that all processes have about as much to do; None gives each process neighbours.
        start: how many items were consumed before, over all ranks.

    Raises:
        DataError: there are fewer items than a step needs.
        ConfigError: there are more ranks than items in a step.

    Example:
        >>> steps = iter(StepSampler(size=3, batch_size=2, seed=0))
        >>> next(steps), next(steps)
        ([Draw(position=0, index=2), Draw(position=1, index=0)], [Draw(position=2, index=1), Draw(position=3, index=2)])
    """

    def __init__(
        self,
        *,
        size: int,
        batch_size: int,
        seed: int,
        groups: npt.NDArray[np.int64] | None = None,
        blocks: Sequence[int] = (),
        window: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        costs: Costs | None = None,
        start: int = 0,
    ) -> None:
        size = size if groups is None else int((groups >= 0).sum())
        if size < batch_size:
            raise DataError(f"a step needs {batch_size} items and there are {size}; lower schedule.batch_size")
        if batch_size < world_size:
            raise ConfigError(
                [
                    f"schedule.batch_size: {batch_size} items are too few for {world_size} processes, each of which "
                    f"needs one; set it to {world_size} or more, or start fewer processes"
                ]
            )
        self.order = order_of(size, seed, groups, blocks, window)
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size
        self.costs = costs if world_size > 1 else None
        self.start = start

    def skip(self, batches: int) -> None:
        """Begin after so many batches, where another run stopped."""
        self.start = batches * self.batch_size

    def __iter__(self) -> Iterator[list[Draw]]:
        first = self.start
        while True:
            yield self._neighbours(first) if self.costs is None else self._dealt(first)
            first += self.batch_size

    def _neighbours(self, first: int) -> list[Draw]:
        """This process's share of the step that begins at position ``first``: neighbours, whatever they cost."""
        sizes = shares(self.batch_size, self.world_size)
        own = first + sum(sizes[: self.rank])
        return [Draw(position, self.order(position)) for position in range(own, own + sizes[self.rank])]

    def _dealt(self, first: int) -> list[Draw]:
        """This process's share by cost; every process looks at the whole step and finds the same."""
        assert self.costs is not None, "chosen where there are costs"
        positions = range(first, first + self.batch_size)
        items = np.fromiter(map(self.order, positions), np.int64, self.batch_size)
        own = np.flatnonzero(dealt(self.costs(items), self.world_size) == self.rank)
        return [Draw(first + place, int(items[place])) for place in own.tolist()]


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
