"""Shares differ by one item at most and add up."""

import pytest

from m5kit.parallel.shares import shares


@pytest.mark.parametrize(("items", "processes"), [(256, 3), (8, 8), (5, 4), (7, 1)])
def test_shares_add_up_and_are_even(items, processes):
    found = shares(items, processes)
    assert (sum(found), len(found)) == (items, processes)
    assert max(found) - min(found) <= 1
