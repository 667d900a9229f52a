"""Selection is a stable sort that was cut: whatever the scores, their ties, their signs and the blocks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from m5kit.evaluation.functional.selection import best_keys, merge, places_of, unpack

few_values = st.sampled_from([-np.inf, -3.5, -1.0, -0.0, 0.0, 1e-38, 2.0, 7.25])
tables = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=few_values)
any_values = st.floats(-1024, 1024, width=32)


def sorted_positions(scores, k):
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


@settings(max_examples=150, deadline=None)
@given(tables | arrays(np.float32, (3, 60), elements=any_values), st.integers(1, 45))
def test_equals_a_stable_sort(scores, k):
    values, positions = unpack(best_keys(scores, k=min(k, scores.shape[1]), start=0))
    expected = sorted_positions(scores, k)
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_array_equal(values, np.take_along_axis(scores, expected, 1))


@settings(max_examples=100, deadline=None)
@given(tables, st.integers(1, 8), st.integers(1, 39))
def test_blocks_that_know_the_least_that_is_wanted_merge_to_the_whole(scores, k, cut):
    left, right = scores[:, :cut], scores[:, cut:]
    best = best_keys(left, k=k, start=0)
    if right.shape[1]:
        least = unpack(best[:, -1])[0] if best.shape[1] == k else None
        best = merge(best, best_keys(right, least, k=k, start=cut), k)
    np.testing.assert_array_equal(unpack(best)[1], sorted_positions(scores, k))


def test_many_scores_are_cut_by_the_maxima_of_groups():
    scores = np.random.default_rng(0).normal(size=(7, 5003)).astype(np.float32)
    np.testing.assert_array_equal(unpack(best_keys(scores, k=20, start=0))[1], sorted_positions(scores, 20))
    flat = np.zeros((2, 5003), dtype=np.float32)
    assert unpack(best_keys(flat, k=3, start=100))[1].tolist() == [[100, 101, 102]] * 2


@settings(max_examples=100, deadline=None)
@given(arrays(np.bool_, st.integers(0, 200), elements=st.booleans()), st.integers(1, 40))
def test_few_that_are_true_are_found_like_many(mask, every):
    sparse = mask & (np.arange(len(mask)) % every == 0)
    np.testing.assert_array_equal(places_of(sparse), np.flatnonzero(sparse))
