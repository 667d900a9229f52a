"""A straight line."""

from m5kit.schedules.linear import LinearSchedule


def test_half_way_half_is_left():
    assert [LinearSchedule().factor(progress) for progress in (0.0, 0.5, 0.75)] == [1.0, 0.5, 0.25]
