"""No decay, under two names."""

from m5kit.registry import SCHEDULES


def test_both_names_mean_the_same():
    assert SCHEDULES.get("none") is SCHEDULES.get("constant")
    assert SCHEDULES.build({"type": "none"}).factor(0.9) == 1.0
