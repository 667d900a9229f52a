"""An order visits everyone once a pass and can be asked for any position."""

import numpy as np
import pytest

from m5kit.data.orders import BalancedOrder, ShuffledOrder, WindowedOrder, order_of


@pytest.mark.parametrize("window", [1, 2, 3, 5, 9])
def test_a_windowed_pass_visits_everyone_once_and_few_shards_at_a_time(window):
    sizes = [5, 3, 4, 2, 6]
    order, shard = WindowedOrder(sizes, window, seed=0), np.repeat(range(5), sizes)
    passes = [[order(position) for position in range(first, first + 20)] for first in (0, 20, 40)]
    assert all(sorted(items) == list(range(20)) for items in passes)
    assert len({tuple(items) for items in passes}) == 3
    for items in passes:
        seen = [shard[item] for item in items]
        # a shard that has begun ends before more than a window of others begins
        spans = [(seen.index(number), 19 - seen[::-1].index(number)) for number in range(5)]
        for first, last in spans:
            assert len({seen[place] for place in range(first, last + 1)}) <= window


def test_a_windowed_order_goes_on_anywhere():
    whole = [WindowedOrder([5, 3, 4, 2], 2, seed=1)(position) for position in range(40)]
    order = WindowedOrder([5, 3, 4, 2], 2, seed=1)
    assert [order(position) for position in range(40)] == whole
    assert [order(position) for position in reversed(range(40))] == whole[::-1]


def test_the_order_is_what_the_config_asks_for():
    assert isinstance(order_of(6, 0, None, (), None), ShuffledOrder)
    assert isinstance(order_of(6, 0, None, (3, 3), 1), WindowedOrder)
    assert isinstance(order_of(6, 0, np.array([0, 0, 1, 1, 1, 1]), (), None), BalancedOrder)
