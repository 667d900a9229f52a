"""Half a cosine down to zero."""

import math

from m5kit.registry import SCHEDULES
from m5kit.schedules.base import LearningRateSchedule


@SCHEDULES.register_module("cosine")
class CosineSchedule(LearningRateSchedule):
    """The learning rate falls along half a cosine: slowly, then fast, then slowly.

    Source: Loshchilov and Hutter, SGDR (ICLR 2017), Eq. 5 without restarts.
    """

    def factor(self, progress: float) -> float:
        """From 1 to 0."""
        return 0.5 * (1 + math.cos(math.pi * progress))
