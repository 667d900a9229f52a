"""Each check of schedules fails a schedule that is broken in that one way."""

import random
import re

import pytest

from m5kit.api import LearningRateSchedule
from m5kit.testing import check_schedule


class Good(LearningRateSchedule):
    """A line."""

    def factor(self, progress):
        return 1 - progress


class Unrelated:
    def factor(self, progress):
        return 1.0


class Untyped(Good):
    def __init__(self, *, power=3) -> None:
        pass


class Undocumented(Good):
    pass


class Noisy(Good):
    __module__ = "this"


class DividesByZero(Good):
    def factor(self, progress):
        return float("nan") if progress else 1.0


class Overshoots(Good):
    def factor(self, progress):
        return 1 + progress


class Timid(Good):
    def factor(self, progress):
        return 0.5


class Counts(Good):
    def __init__(self) -> None:
        self.asked = 0

    def factor(self, progress):
        self.asked += 1
        return 1 / self.asked


class HoldsAFunction(Good):
    def __init__(self) -> None:
        self.curve = lambda progress: 1 - progress


class Draws(Good):
    def factor(self, progress):
        random.random()
        return 1 - progress


BROKEN = {
    "is_of_its_family": (Unrelated, "derive from LearningRateSchedule"),
    "constructor_is_explicit": (Untyped, "'power' has no type; annotate it"),
    "is_documented": (Undocumented, "it has no docstring"),
    "imports_quietly": (Noisy, "printed"),
    "gives_a_number": (DividesByZero, r"factor\(0.005\) is nan"),
    "stays_between_zero_and_one": (Overshoots, "a factor is 1.005"),
    "reaches_the_whole_rate": (Timid, "the largest factor is 0.5"),
    "depends_on_progress_alone": (Counts, "keep no state"),
    "pickles": (HoldsAFunction, "keep plain attributes"),
    "global_randomness_is_left_alone": (Draws, "it drew a random number"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_schedule_fails(rule, fails):
    part, text = BROKEN[rule]
    assert re.search(text, fails("schedules", part, rule))


def test_every_check_has_a_broken_schedule(covers):
    covers("schedules", BROKEN)


def test_a_good_schedule_passes_everything_but_the_import_of_this_test():
    rules = [rule for rule in BROKEN if rule != "imports_quietly"]
    assert check_schedule(Good, only=rules).ran == len(rules)
