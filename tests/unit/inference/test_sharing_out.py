"""Processes make parts in turn: the first gets them in order, and whatever fails anywhere ends all."""

import pytest

from m5kit.errors import DataError
from m5kit.inference.sharing_out import OtherProcessError, share_out
from m5kit.parallel.group import Group


def outcome(group, parts, broken=None, refused=None):
    """What this process takes of the numbers below ``parts``, or the error it ends with."""
    taken = []

    def made():
        for number in range(group.rank, parts, group.size):
            if number == broken:
                raise DataError(f"part {number} cannot be read")
            yield number

    def take(part):
        if part == refused:
            raise DataError(f"part {part} is one too many")
        taken.append(part)

    try:
        share_out(group, made(), -(-parts // group.size), take)
    except (DataError, OtherProcessError) as error:
        return type(error).__name__, str(error)
    return taken


@pytest.mark.parametrize("parts", [0, 1, 5, 6])
def test_the_first_takes_every_part_once_and_in_order(on_ranks, parts):
    assert outcome(Group(), parts) == list(range(parts))
    assert on_ranks(2, outcome, parts) == [list(range(parts)), []]
    assert on_ranks(3, outcome, parts) == [list(range(parts)), [], []]


def test_a_part_that_fails_ends_every_process_with_its_reason(on_ranks):
    assert outcome(Group(), 5, broken=3) == ("DataError", "part 3 cannot be read")
    own, other = "part 3 cannot be read", "process 1 of 2 failed: part 3 cannot be read"
    assert on_ranks(2, outcome, 5, 3) == [("OtherProcessError", other), ("DataError", own)]


@pytest.mark.parametrize("refused", [0, 4])
def test_a_first_process_that_fails_ends_the_others(on_ranks, refused):
    own, other = f"part {refused} is one too many", f"process 0 of 2 failed: part {refused} is one too many"
    assert on_ranks(2, outcome, 5, None, refused) == [("DataError", own), ("OtherProcessError", other)]


def test_no_more_than_one_part_of_each_is_made_before_they_are_taken(on_ranks):
    def most_waiting(group):
        waiting, most = [], 0

        def made():
            for number in range(group.rank, 20, group.size):
                waiting.append(number)
                yield number

        def take(part):
            nonlocal most
            most = max(most, len(waiting))
            if part in waiting:
                waiting.remove(part)

        share_out(group, made(), 10, take)
        return most

    assert on_ranks(2, most_waiting)[0] == 1
