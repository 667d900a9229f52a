"""A straight line down to zero."""

from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("linear")
class LinearSchedule(LearningRateSchedule):
    """The learning rate falls in a straight line from all of it to nothing."""

    def factor(self, progress: float) -> float:
        """What is left of the run."""
        return 1 - progress
