"""Shares differ by one item at most and add up; what is dealt out by cost is even too."""

import numpy as np
import pytest

from m5kit.parallel.shares import dealt, shares


@pytest.mark.parametrize(("items", "processes"), [(256, 3), (8, 8), (5, 4), (7, 1)])
def test_shares_add_up_and_are_even(items, processes):
    found = shares(items, processes)
    assert (sum(found), len(found)) == (items, processes)
    assert max(found) - min(found) <= 1


@pytest.mark.parametrize(("items", "processes"), [(256, 3), (8, 8), (5, 4), (7, 1), (11, 3), (9, 5), (10, 4)])
def test_each_process_is_dealt_its_share(items, processes):
    ranks = dealt(np.random.default_rng(items).integers(0, 50, items), processes)
    assert np.bincount(ranks, minlength=processes).tolist() == shares(items, processes)


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_no_process_has_more_than_one_above_another_of_the_costliest_thing(processes):
    has = np.random.default_rng(processes).random((4, 96)) < 0.5
    ranks = dealt(np.array([1000, 100, 10, 1]) @ has, processes)
    counts = np.bincount(ranks[has[0]], minlength=processes)
    assert counts.max() - counts.min() <= 1


def test_costs_of_many_sizes_come_out_even():
    costs = np.random.default_rng(0).lognormal(10, sigma=0.5, size=512).astype(np.int64)
    load = np.bincount(dealt(costs, 8), weights=costs)
    neighbours = costs.reshape(8, 64).sum(1)
    assert load.max() / load.mean() < 1.005
    assert neighbours.max() / neighbours.mean() > 1.05


def test_equal_costs_are_dealt_in_turn():
    assert dealt(np.ones(7, np.int64), 3).tolist() == [0, 1, 2, 0, 1, 2, 0]
