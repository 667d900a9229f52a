"""Stable, then a short fall; a longer run begins like a shorter one."""

import pytest

from m5kit.errors import ConfigError
from m5kit.schedules.wsd import WarmupStableDecaySchedule


def test_it_falls_in_the_last_share():
    schedule = WarmupStableDecaySchedule(share=0.2, floor=0.1)
    assert [schedule.factor(progress) for progress in (0.0, 0.8, 0.9, 1.0)] == pytest.approx([1, 1, 0.55, 0.1])


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.1}, {"floor": -0.1}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ConfigError, match="share must be above 0 and at most 1"):
        WarmupStableDecaySchedule(**wrong)
