"""Which given vectors a metric is compared with."""

import pytest

from m5kit.inference.baseline import baseline_space


@pytest.mark.parametrize(
    ("config", "widths", "expected"),
    [
        ({"type": "probe", "space": "a"}, {"a": 8, "b": 0}, "a.given"),
        ({"type": "probe", "space": "b"}, {"a": 8, "b": 0}, None),
        ({"type": "clustering"}, {"a": 8, "b": 8}, "given"),  # items, where nothing else is named
        ({"type": "clustering"}, {"a": 8, "b": 0}, None),
        ({"type": "clustering", "modalities": ["a"]}, {"a": 8, "b": 0}, "given"),
        ({"type": "cross_modal"}, {"a": 8, "b": 8}, None),  # it reads the contrastive space
        ({"type": "robustness"}, {"a": 8}, None),  # it has no space of its own
        ({"type": "clustering"}, {}, None),
    ],
)
def test_the_baseline_is_that_of_the_space_that_the_metric_reads(config, widths, expected):
    assert baseline_space(config, widths) == expected
