from itertools import islice

import numpy as np
import pytest

from m5kit.data.sampler import Draw, SequentialSampler, StepSampler
from m5kit.errors import ConfigError, DataError
from m5kit.parallel.shares import shares


def draws(count, **settings):
    return list(islice(StepSampler(**{"size": 7, "batch_size": 3, "seed": 1} | settings), count))


def test_each_pass_visits_everyone_once_in_an_order_of_its_own():
    flat = [draw for batch in draws(7) for draw in batch]
    assert [draw.position for draw in flat] == list(range(21))
    passes = [[draw.index for draw in flat[start : start + 7]] for start in (0, 7, 14)]
    assert all(sorted(order) == list(range(7)) for order in passes)
    assert len({tuple(order) for order in passes}) == 3


def test_batches_are_always_full_and_may_span_two_passes():
    assert [len(batch) for batch in draws(5)] == [3] * 5


@pytest.mark.parametrize("start", range(0, 30, 3))
def test_starting_anywhere_gives_what_would_have_come(start):
    assert draws(4, start=start) == draws(start // 3 + 4)[start // 3 :]


def test_batches_may_be_skipped_before_iterating():
    sampler = StepSampler(size=7, batch_size=3, seed=1)
    sampler.skip(2)
    assert next(iter(sampler)) == draws(3)[2]


def test_the_seed_decides():
    assert draws(4) == draws(4)
    assert draws(4) != draws(4, seed=2)


def test_ranks_share_a_step_without_overlap():
    whole = draws(5, batch_size=4)
    ranks = [draws(5, batch_size=4, rank=rank, world_size=2) for rank in (0, 1)]
    assert [left + right for left, right in zip(*ranks, strict=True)] == whole


def together(world_size, start, steps, batch_size=23):
    """The draws of all ranks, step after step."""
    ranks = [
        iter(StepSampler(size=97, batch_size=batch_size, seed=3, rank=rank, world_size=world_size, start=start))
        for rank in range(world_size)
    ]
    return [[draw for rank in ranks for draw in next(rank)] for _ in range(steps)]


def test_any_number_of_ranks_takes_the_same_items_and_may_change_on_the_way():
    one = together(1, 0, 9)
    assert all(together(world_size, 0, 9) == one for world_size in (2, 3, 4, 8))
    assert together(4, 0, 4) + together(3, 4 * 23, 3) + together(1, 7 * 23, 2) == one


def test_impossible_steps_are_refused():
    with pytest.raises(DataError, match=r"a step needs 8 items and there are 7; lower schedule.batch_size"):
        StepSampler(size=7, batch_size=8, seed=0)
    with pytest.raises(ConfigError, match=r"schedule.batch_size: 1 items are too few for 2 processes"):
        StepSampler(size=7, batch_size=1, seed=0, world_size=2)


def test_evaluation_takes_everyone_once():
    batches = list(SequentialSampler(size=5, batch_size=2))
    assert batches == [[Draw(0, 0), Draw(1, 1)], [Draw(2, 2), Draw(3, 3)], [Draw(4, 4)]]
    shares = [SequentialSampler(size=5, batch_size=2, rank=rank, world_size=2) for rank in (0, 1)]
    assert [len(share) for share in shares] == [2, 1]
    assert [*shares[0], *shares[1]] == [batches[0], batches[2], batches[1]]


GROUPS = np.array([0, 0, 0, 0, 0, 1, 1, 2, -1])


def balanced(count, **settings):
    return draws(count, **{"size": 9, "batch_size": 6, "groups": GROUPS} | settings)


def test_balanced_batches_hold_every_class_equally_often():
    for batch in balanced(10):
        assert np.bincount(GROUPS[[draw.index for draw in batch]]).tolist() == [2, 2, 2]


def test_a_balanced_class_gives_every_item_before_one_comes_again():
    flat = [draw.index for batch in balanced(10) for draw in batch]
    large = [index for index in flat if GROUPS[index] == 0]
    assert [sorted(large[start : start + 5]) for start in (0, 5, 10, 15)] == [[0, 1, 2, 3, 4]] * 4
    assert len({tuple(large[start : start + 5]) for start in (0, 5, 10, 15)}) > 1
    assert 8 not in flat  # it has no class


@pytest.mark.parametrize("start", [0, 4, 20, 44])
def test_balanced_batches_go_on_from_anywhere(start):
    settings = {"batch_size": 4}
    assert balanced(3, start=start, **settings) == balanced(start // 4 + 3, **settings)[start // 4 :]


def test_ranks_share_balanced_steps():
    shares = [balanced(5, rank=rank, world_size=2) for rank in (0, 1)]
    assert [left + right for left, right in zip(*shares, strict=True)] == balanced(5)


def test_a_balanced_step_needs_as_many_items_with_a_class():
    with pytest.raises(DataError, match="a step needs 9 items and there are 8"):
        balanced(1, batch_size=9)


def test_steps_of_shards_are_the_same_for_any_number_of_ranks():
    given = {"size": 14, "blocks": [5, 3, 4, 2], "window": 2, "batch_size": 4}
    whole = draws(9, **given)
    ranks = [draws(9, **given, rank=rank, world_size=2) for rank in (0, 1)]
    assert [left + right for left, right in zip(*ranks, strict=True)] == whole
    assert draws(4, **given, start=20) == whole[5:]


def dealt_out(world_size, costs, steps=6, **settings):
    """Of each step, the draws of every rank."""
    ranks = [draws(steps, **settings, rank=rank, world_size=world_size, costs=costs) for rank in range(world_size)]
    return list(zip(*ranks, strict=True))


@pytest.mark.parametrize("world_size", [2, 3, 5])
def test_ranks_share_what_items_cost_evenly_and_take_the_same_items(world_size):
    has = np.random.default_rng(0).random((3, 97)) < 0.6
    costs = np.array([1000, 10, 1]) @ has
    settings = {"size": 97, "batch_size": 23}
    steps = dealt_out(world_size, costs.__getitem__, **settings)
    for step, whole in zip(steps, draws(6, **settings), strict=True):
        assert sorted((draw for own in step for draw in own), key=lambda draw: draw.position) == whole
        assert all(own == sorted(own, key=lambda draw: draw.position) for own in step)
        dearest = [int(has[0, [draw.index for draw in own]].sum()) for own in step]
        assert max(dearest) - min(dearest) <= 1
        sizes = [len(own) for own in step]
        assert sizes == shares(23, world_size)  # which the others know without being told
    neighbours = dealt_out(world_size, None, **settings)
    uneven = [[int(has[0, [draw.index for draw in own]].sum()) for own in step] for step in neighbours]
    assert any(max(dearest) - min(dearest) > 1 for dearest in uneven)  # so there was something to even out


def test_a_process_that_is_alone_does_not_ask_what_items_cost():
    def costs(items):
        raise AssertionError

    assert draws(4, costs=costs) == draws(4)
