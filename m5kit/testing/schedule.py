"""The conformance checks of schedules."""

import math
import pickle
from collections.abc import Collection
from dataclasses import dataclass

from m5kit.api import LearningRateSchedule
from m5kit.testing.building import build
from m5kit.testing.class_checks import class_checks
from m5kit.testing.randomness import random_states
from m5kit.testing.report import Checks, Report, expect

POINTS = [number / 200 for number in range(200)]


@dataclass(frozen=True)
class ScheduleCase:
    """A schedule, and another instance of it."""

    schedule: LearningRateSchedule
    other: LearningRateSchedule

    def factors(self) -> list[float]:
        """Its factors in the order of a run."""
        return [self.schedule.factor(progress) for progress in POINTS]


CHECKS: Checks[ScheduleCase] = Checks("schedules", class_checks(LearningRateSchedule))


def check_schedule(part: type[LearningRateSchedule] | str, only: Collection[str] | None = None) -> Report:
    """Check a schedule; arguments that have no default come from its ``example()``.

    See :func:`m5kit.testing.check` for the arguments.
    """
    return CHECKS.run(part, lambda schedule: ScheduleCase(build(schedule), build(schedule)), only)


@CHECKS.add
def gives_a_number(case: ScheduleCase) -> None:
    """factor() returns a finite Python number for every progress from 0 to below 1."""
    for progress in POINTS:
        factor = case.schedule.factor(progress)
        right = isinstance(factor, float | int) and math.isfinite(factor)
        expect(right, f"factor({progress}) is {factor!r}")


@CHECKS.add
def stays_between_zero_and_one(case: ScheduleCase) -> None:
    """No factor is negative or above 1, because the configured rate is the largest of the run."""
    for factor in case.factors():
        expect(0 <= factor <= 1, f"a factor is {factor}")


@CHECKS.add
def reaches_the_whole_rate(case: ScheduleCase) -> None:
    """Some factor is 1, so that the configured rate is used."""
    expect(max(case.factors()) == 1, f"the largest factor is {max(case.factors())}")


@CHECKS.add
def depends_on_progress_alone(case: ScheduleCase) -> None:
    """Another instance gives the same factors in reverse order, as a resumed run relies on."""
    backwards = [case.other.factor(progress) for progress in reversed(POINTS)]
    expect(backwards[::-1] == case.factors(), "it remembers what it was asked before; keep no state")


@CHECKS.add
def pickles(case: ScheduleCase) -> None:
    """A copy that went through pickle, as to the process of a trial, gives the same factors."""
    try:
        copy: LearningRateSchedule = pickle.loads(pickle.dumps(case.schedule))
    except Exception as error:  # pickle raises whatever the attributes raise
        raise AssertionError(f"it cannot be pickled: {error}; keep plain attributes") from error
    expect([copy.factor(progress) for progress in POINTS] == case.factors(), "the copy gives other factors")


@CHECKS.add
def global_randomness_is_left_alone(case: ScheduleCase) -> None:
    """It draws no number from random, numpy or torch, on which other things depend."""
    before = random_states()
    case.factors()
    expect(random_states() == before, "it drew a random number; use a generator of your own")
