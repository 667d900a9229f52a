"""Warm-up, stable, decay: the full rate for most of a run, then a short decay."""

from m5kit.errors import ConfigError
from m5kit.ranges import Share
from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("wsd")
class WarmupStableDecaySchedule(LearningRateSchedule):
    """The learning rate stays until the last share of the run, in which it falls along a straight line.

    A longer run begins exactly like a shorter one, so that the decay can be started from any of its checkpoints.

    Args:
        share: of the steps after the warm-up in which the rate falls.
        floor: factor at the end of the run.

    Source: Hu et al., MiniCPM (COLM 2024), Section 4.
    """

    def __init__(self, *, share: Share = 0.2, floor: Share = 0.0) -> None:
        if not 0 < share <= 1 or not 0 <= floor <= 1:
            raise ConfigError(
                [f"schedule 'wsd': share must be above 0 and at most 1, floor from 0 to 1, got {share} and {floor}"]
            )
        self.share, self.floor = share, floor

    def factor(self, progress: float) -> float:
        """1, and in the last share a line down to the floor."""
        # 0 while the rate is stable, then from 0 to 1 over the last share
        fallen = max(progress - (1 - self.share), 0.0) / self.share
        return 1 - (1 - self.floor) * fallen
