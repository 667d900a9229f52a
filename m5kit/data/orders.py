"""Orders in which a training takes items: functions of seed and position, so that a run can start anywhere."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class ShuffledOrder:
    """Every item once a pass, each pass shuffled anew.

    Args:
        size: how many items there are.
        seed: of the order, one number or several.
    """

    def __init__(self, size: int, *seed: int) -> None:
        self.size = size
        self.seed = seed
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __call__(self, position: int) -> int:
        """The item taken as number ``position``; any position can be asked for, neighbours are cheap."""
        epoch, place = divmod(position, self.size)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self.of_pass(epoch)
        return int(self._order[place])

    def of_pass(self, epoch: int) -> npt.NDArray[np.int64]:
        """All items in the order of a pass."""
        return np.random.default_rng([*self.seed, epoch]).permutation(self.size)


class WindowedOrder:
    """Every item once a pass, a few blocks mixed at a time, so that only these blocks need to be at hand.

    The blocks of a pass are shuffled; as many as the window takes are put together, and their items are shuffled. It
    follows from seed, pass and sizes alone, for any number of processes.

    Args:
        sizes: items of each block, such as those of a shard, in the order of the items.
        window: how many blocks are mixed.
        seed: of the order.

    Example:
        >>> order = WindowedOrder([2, 2, 2], window=1, seed=0)
        >>> [order(position) for position in range(6)]  # one block after the other
        [4, 5, 1, 0, 3, 2]
    """

    def __init__(self, sizes: Sequence[int], window: int, seed: int) -> None:
        self.sizes = np.asarray(sizes, dtype=np.int64)
        self.window, self.seed = window, seed
        self.size = int(self.sizes.sum())
        self._firsts = self.sizes.cumsum() - self.sizes
        self._epoch, self._number = -1, -1
        self._blocks = self._ends = self._items = np.empty(0, dtype=np.int64)

    def __call__(self, position: int) -> int:
        """The item taken as number ``position``; any position can be asked for, neighbours are cheap."""
        epoch, place = divmod(position, self.size)
        if epoch != self._epoch:
            self._begin_pass(epoch)
        number = int(self._ends.searchsorted(place, side="right"))
        if number != self._number:
            self._begin_window(number)
        first = int(self._ends[number - 1]) if number else 0
        return int(self._items[place - first])

    def of_pass(self, epoch: int) -> npt.NDArray[np.int64]:
        """All items in the order of a pass."""
        self._begin_pass(epoch)
        windows = []
        for number in range(len(self._ends)):
            self._begin_window(number)
            windows.append(self._items)
        return np.concatenate(windows)

    def _begin_pass(self, epoch: int) -> None:
        self._blocks = np.random.default_rng([self.seed, epoch]).permutation(len(self.sizes))
        ends = self.sizes[self._blocks].cumsum()
        self._ends = np.append(ends[self.window - 1 : -1 : self.window], ends[-1])
        self._epoch, self._number = epoch, -1

    def _begin_window(self, number: int) -> None:
        blocks = self._blocks[number * self.window : (number + 1) * self.window]
        items = [np.arange(self._firsts[block], self._firsts[block] + self.sizes[block]) for block in blocks]
        # one more number in the seed than that of the blocks has
        generator = np.random.default_rng([self.seed, self._epoch, number])
        self._items = generator.permutation(np.concatenate(items))
        self._number = number


class BalancedOrder:
    """Every group once a round, in a shuffled order; within a group every item once before one comes again.

    Args:
        groups: the group of each item, such as the number of its class; items with -1 never come.
        seed: of the order.

    Example:
        >>> order = BalancedOrder(np.array([0, 0, 0, 1, -1]), seed=0)
        >>> [order(position) for position in range(6)]  # item 3, the only one of its group, is half of them
        [2, 3, 0, 3, 1, 3]
    """

    def __init__(self, groups: npt.NDArray[np.int64], seed: int) -> None:
        names = np.unique(groups[groups >= 0])
        self._members = [np.flatnonzero(groups == name) for name in names]
        # Two more numbers in the seed keep these orders apart from that of the groups.
        self._orders = [
            ShuffledOrder(len(own), seed, 1, int(name)) for own, name in zip(self._members, names, strict=True)
        ]
        self._groups = ShuffledOrder(len(names), seed)

    def __call__(self, position: int) -> int:
        """The item taken as number ``position``."""
        group = self._groups(position)
        visit = position // len(self._members)  # of this group, which comes once a round
        return int(self._members[group][self._orders[group](visit)])


def order_of(
    size: int, seed: int, groups: npt.NDArray[np.int64] | None, blocks: Sequence[int], window: int | None
) -> ShuffledOrder | BalancedOrder | WindowedOrder:
    """The order of a training.

    Args:
        size: how many items there are.
        seed: of the order.
        groups: of each item, its class, where all classes come equally often.
        blocks: how many items each shard has.
        window: how many shards are mixed at a time; None mixes all items.
    """
    if groups is not None:
        return BalancedOrder(groups, seed)
    return ShuffledOrder(size, seed) if window is None else WindowedOrder(blocks, window, seed)
