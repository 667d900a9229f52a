"""A straight line down to zero."""

from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("linear")
class LinearSchedule(LearningRateSchedule):
    """The learning rate falls in a straight line to zero."""

    def factor(self, progress: float) -> float:
        """The share of the run that is left."""
        return 1 - progress
