"""Values that several metrics share."""

import math

from m5kit.evaluation.base import MetricValue
from m5kit.evaluation.values import average


def value(number, chance=0.1):
    return MetricValue(number, chance, 0.0, 1.0, 20)


def test_an_average_counts_every_task_alike_and_has_no_interval():
    assert average([value(0.25), value(0.75, chance=0.3)]) == MetricValue(0.5, 0.2, None, None, 2)


def test_tasks_without_a_chance_level_do_not_count_for_it():
    assert average([value(0.25), value(0.75, chance=None)]).chance == 0.1
    assert average([value(0.25, chance=None)]).chance is None


def test_values_that_are_not_finite_do_not_count():
    assert average([value(0.25), value(math.nan), value(math.inf)]).value == 0.25
    assert math.isnan(average([value(math.nan)]).value)
