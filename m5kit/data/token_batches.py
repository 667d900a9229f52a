"""Batches of as many items as fit in so many tokens: a function of seed, sizes and position alone."""

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from m5kit.data.orders import ShuffledOrder, WindowedOrder
from m5kit.data.sampler import Draw
from m5kit.errors import ConfigError, DataError
from m5kit.parallel.shares import dealt

MIXED = 8
"""Batches whose items are sorted together: more would save little padding, and the same items would meet more often."""

_BATCHES, _ITEMS = 1, 2
"""Further numbers in the seeds of what is shuffled beside the items of a pass."""

Items = NDArray[np.int64]


class TokenSampler(Sampler[list[Draw]]):
    """Endless batches for training, each of as many items as fit in ``tokens``, over all ranks.

    Each pass over the items is shuffled anew. Of the shuffled items, as many as fill :data:`MIXED` batches are sorted
    by size, and the row is cut where the next item would be too much. These batches, and the items of each, are
    shuffled again. What a pass leaves over begins the next one, so all batches are full and no item is left out.

    Args:
        sizes: tokens of each item ``n``; an item without any counts as one.
        tokens: the most that a batch has.
        seed: of the order.
        blocks: how many items each shard has; with a ``window``, so many shards are mixed at a time.
        window: None mixes all items.
        rank: which share of each batch this process takes.
        world_size: how many processes share a batch.

    Raises:
        ConfigError: the largest item does not fit, or not often enough for all processes.
        DataError: all items together do not fill a batch.

    Example:
        >>> steps = iter(TokenSampler(sizes=np.array([1, 1, 1, 1, 2, 2]), tokens=4, seed=0))
        >>> [[draw.index for draw in next(steps)] for _ in range(4)]  # items 4 and 5 are left over by the first pass
        [[2, 0, 1, 3], [3, 1, 2, 0], [5, 4], [4, 5]]
    """

    def __init__(
        self,
        *,
        sizes: NDArray[np.integer],
        tokens: int,
        seed: int,
        blocks: Sequence[int] = (),
        window: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.sizes = np.maximum(sizes, 1).astype(np.int64)
        self.tokens, self.seed = tokens, seed
        self.rank, self.world_size = rank, world_size
        self.start = 0
        self._require_fit()
        self.order = ShuffledOrder(len(sizes), seed) if window is None else WindowedOrder(blocks, window, seed)
        self._sorted_together = MIXED * int(tokens / self.sizes.mean())

    def _require_fit(self) -> None:
        largest, total = int(self.sizes.max()), int(self.sizes.sum())
        if self.tokens < largest * self.world_size:
            processes = "" if self.world_size == 1 else f", and each of {self.world_size} processes needs an item"
            raise ConfigError(
                [
                    f"schedule.tokens: a batch has {self.tokens} tokens, the largest item {largest}{processes}; set it "
                    f"to {largest * self.world_size} or more, or let the inputs cut items shorter"
                ]
            )
        if total < self.tokens:
            raise DataError(
                f"a batch has {self.tokens} tokens, all {len(self.sizes)} items together {total}; lower schedule.tokens"
            )

    def skip(self, batches: int) -> None:
        """Begin after so many batches."""
        self.start = batches

    def __iter__(self) -> Iterator[list[Draw]]:
        number = taken = 0  # batches and items before the next batch
        left: Items = np.empty(0, dtype=np.int64)
        for epoch in count():
            # Passes before the start are cut too, which takes a second or two for a million items: how many batches
            # they have, and what they leave over, differs.
            batches, left = self._pass(epoch, left)
            for items in batches:
                if number >= self.start:
                    yield self._share(number, items, taken)
                number += 1
                taken += len(items)

    def _pass(self, epoch: int, left: Items) -> tuple[list[Items], Items]:
        """The batches of a pass, which begins with what the one before it left over, and what it leaves over."""
        items = np.concatenate([left, self._sorted(self.order.of_pass(epoch))])
        *batches, left = np.split(items, cut(self.sizes[items], self.tokens))
        chances = np.random.default_rng([self.seed, epoch, _BATCHES, 0]).random(len(batches))
        shuffled = np.lexsort((chances, np.arange(len(batches)) // MIXED))
        return [batches[number] for number in shuffled], left

    def _sorted(self, items: Items) -> Items:
        """The items sorted by size, some at a time; rising and falling in turns, so that neighbours are alike."""
        group = np.arange(len(items)) // self._sorted_together
        sizes = self.sizes[items]
        order: Items = np.lexsort((np.where(group % 2, -sizes, sizes), group))  # stable: equal ones stay shuffled
        return items[order]

    def _share(self, number: int, items: Items, taken: int) -> list[Draw]:
        """What this process takes of a batch: about as many tokens as any other."""
        items = np.random.default_rng([self.seed, number, _ITEMS, 0]).permutation(items)
        own = np.flatnonzero(dealt(self.sizes[items], self.world_size) == self.rank)
        return [Draw(taken + place, int(items[place])) for place in own.tolist()]


def cut(sizes: NDArray[np.int64], tokens: int) -> list[int]:
    """Where to cut a row of items so that the pieces have at most ``tokens``; what follows the last cut is not full.

    Args:
        sizes: of the items, each at most ``tokens``.
        tokens: of a piece.

    Example:
        >>> cut(np.array([2, 2, 3, 1, 1]), tokens=4)
        [2, 4]
    """
    ends = sizes.cumsum()
    cuts: list[int] = []
    before = 0
    while True:
        last = int(ends.searchsorted(before + tokens, side="right"))
        if last == len(sizes):
            return cuts
        cuts.append(last)
        before = int(ends[last - 1])
