"""Batches of so many tokens: full, of like sizes, every item once a pass, the same whoever shares them."""

from itertools import islice

import numpy as np
import pytest

from m5kit.data.sampler import StepSampler
from m5kit.data.token_batches import MIXED, TokenSampler, cut
from m5kit.errors import ConfigError, DataError

SIZES = np.random.default_rng(0).integers(5, 120, 700)
TOKENS = 1000


def sampler(**settings):
    return TokenSampler(**{"sizes": SIZES, "tokens": TOKENS, "seed": 3} | settings)


def batches(count, start=0, **settings):
    made = sampler(**settings)
    made.skip(start)
    return list(islice(made, count))


def tokens(batch):
    return sum(int(SIZES[draw.index]) for draw in batch)


def test_no_batch_has_more_tokens_and_none_has_room_for_a_large_item():
    found = [tokens(batch) for batch in batches(200)]
    assert max(found) <= TOKENS
    assert min(found) > TOKENS - SIZES.max()


def test_each_pass_visits_everyone_once():
    drawn = [draw.index for batch in batches(200) for draw in batch]
    # what a pass leaves over begins the next one, whose batches come in a shuffled order
    for number in range(3):
        counts = np.bincount(drawn[: (number + 1) * 700], minlength=700)
        assert set(counts) <= {number, number + 1, number + 2}
        assert (counts != number + 1).sum() < 2 * TOKENS / SIZES.mean() * MIXED


def test_after_a_pass_only_what_did_not_fill_a_batch_is_left():
    made = sampler()
    first, left = made._pass(0, np.empty(0, dtype=np.int64))
    assert sorted([*np.concatenate(first), *left]) == list(range(700))
    assert SIZES[left].sum() <= TOKENS
    second, _ = made._pass(1, left)
    assert set(left) <= set(np.concatenate(second[:MIXED]))


def test_positions_count_all_draws():
    drawn = [draw.position for batch in batches(100) for draw in batch]
    assert drawn == list(range(len(drawn)))


def test_items_of_like_size_come_together_and_steps_in_no_order_of_size():
    means = [np.mean([SIZES[draw.index] for draw in batch]) for batch in batches(64)]
    spreads = [np.std([SIZES[draw.index] for draw in batch]) for batch in batches(64)]
    assert np.mean(spreads) < SIZES.std() / 3
    following = np.corrcoef(means[:-1], means[1:])[0, 1]
    assert abs(following) < 0.35


def test_other_items_meet_in_the_next_pass():
    made = sampler()
    first, left = made._pass(0, np.empty(0, dtype=np.int64))
    second, _ = made._pass(1, left)
    together = {frozenset(batch.tolist()) for batch in first}
    pairs = {(a, b) for batch in together for a in batch for b in batch if a < b}
    again = {(a, b) for batch in second for a in batch.tolist() for b in batch.tolist() if a < b}
    assert len(pairs & again) < 0.25 * len(again)


@pytest.mark.parametrize("start", [0, 1, 17, 41, 90])
def test_starting_anywhere_gives_what_would_have_come(start):
    assert batches(5, start) == batches(start + 5)[start:]


@pytest.mark.parametrize("world_size", [2, 3, 7])
def test_any_number_of_ranks_takes_the_same_items(world_size):
    ranks = [batches(60, rank=rank, world_size=world_size) for rank in range(world_size)]
    for shared, whole in zip(zip(*ranks, strict=True), batches(60), strict=True):
        assert sorted((draw for part in shared for draw in part), key=lambda draw: draw.position) == whole
        sizes = [len(part) for part in shared]
        assert max(sizes) - min(sizes) <= 1
        most = max(SIZES[draw.index] for draw in whole)
        assert max(map(tokens, shared)) - min(map(tokens, shared)) <= most


def test_the_seed_decides():
    assert batches(3) == batches(3)
    assert batches(3) != batches(3, seed=4)


def test_with_a_window_only_some_shards_are_mixed():
    made = sampler(blocks=[100] * 7, window=2)
    first, _ = made._pass(0, np.empty(0, dtype=np.int64))
    assert len({int(index) // 100 for index in np.concatenate(first[:3])}) <= 2


def test_equal_items_make_equal_batches():
    equal = TokenSampler(sizes=np.full(30, 10), tokens=60, seed=0)
    assert [len(batch) for batch in islice(equal, 20)] == [6] * 20
    assert [len(batch) for batch in islice(StepSampler(size=30, batch_size=6, seed=0), 20)] == [6] * 20


def test_items_without_anything_count_as_one_token():
    assert [len(batch) for batch in islice(TokenSampler(sizes=np.zeros(9, int), tokens=3, seed=0), 3)] == [3, 3, 3]


def test_cuts_where_the_next_item_would_be_too_much():
    assert cut(np.array([3, 3, 3, 3]), tokens=7) == [2]
    assert cut(np.array([3, 3, 1, 7, 2]), tokens=7) == [3, 4]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match=r"schedule.tokens: a batch has 100 tokens, the largest item 119; set it to"):
        sampler(tokens=100)
    with pytest.raises(
        ConfigError, match=r"the largest item 119, and each of 9 processes needs an item; set it to 1071"
    ):
        sampler(world_size=9)
    with pytest.raises(
        DataError, match=r"a batch has 100000 tokens, all 700 items together \d+; lower schedule.tokens"
    ):
        sampler(tokens=100_000)
