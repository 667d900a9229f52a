"""Processes tell each other values, and do one after the other what must not be done at once."""

import pytest


def facts(group):
    return group.values("x" * group.rank), group.of_first(f"rank {group.rank}")


def test_values_of_any_length_come_from_all(on_ranks):
    assert on_ranks(3, facts) == [(["", "x", "xx"], "rank 0")] * 3


def one_after_the_other(group, path):
    with group.first_before_others():
        seen = path.exists()
        path.touch()
    return seen


def test_the_first_goes_first(on_ranks, tmp_path):
    assert on_ranks(3, one_after_the_other, tmp_path / "made") == [False, True, True]


def lonely(group):
    group.values(0)  # both are there
    if group.first:
        raise ValueError("this one ends")
    group.values(1)


def test_a_process_that_ends_does_not_leave_others_waiting(on_ranks):
    with pytest.raises(AssertionError, match=r"this one ends[\s\S]*rank 1: [\s\S]*RuntimeError: .*gloo"):
        on_ranks(2, lonely, limit=20)
