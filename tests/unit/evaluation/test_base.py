"""Metric values, and what a metric is unless it says otherwise."""

import numpy as np

from m5kit.evaluation.base import Metric, MetricValue, Request


def test_the_value_of_a_mean():
    value = MetricValue.mean(np.array([0.0, 1.0, 1.0, 0.0] * 25), chance=0.1, seed=0)
    assert (value.value, value.chance, value.count) == (0.5, 0.1, 100)
    assert 0.38 < value.low < 0.43 < 0.57 < value.high < 0.62


def test_a_metric_that_says_nothing_shows_nothing_and_needs_no_modalities():
    class Silent(Metric):
        def requests(self):
            return (Request("test"),)

        def compute(self, embedded, seed):
            return {}

    assert not Silent.needs_modalities
    assert Silent().sample_hits({}, 0) is None
