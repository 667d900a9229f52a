"""No decay."""

from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("constant")
@SCHEDULES.register_module("none")
class ConstantSchedule(LearningRateSchedule):
    """The learning rate stays constant after the warm-up; ``none`` is another name for it."""

    def factor(self, progress: float) -> float:
        """Always 1."""
        return 1.0
