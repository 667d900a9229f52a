"""The mean of metric values leaves out what is no number."""

import pytest

from m5kit.evaluation.functional.averages import finite_mean


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([0.25, 0.75], 0.5),
        ([0.25, None, 0.75], 0.5),
        ([1.0, float("nan"), float("inf"), float("-inf"), 3.0], 2.0),
        ([float("nan")], None),
        ([None], None),
        ([], None),
    ],
)
def test_only_finite_values_count(values, mean):
    assert finite_mean(values) == mean
    assert finite_mean(iter(values)) == mean
