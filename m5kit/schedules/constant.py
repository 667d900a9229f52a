"""No decay."""

from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("constant")
@SCHEDULES.register_module("none")
class ConstantSchedule(LearningRateSchedule):
    """The learning rate stays as it is after the warm-up; ``none`` is another name of it."""

    def factor(self, progress: float) -> float:
        """Always 1."""
        return 1.0
