"""The learning rate of each step: a warm-up, then what the schedule says; a pure function of the step."""

import math

from torch.optim import Optimizer

from m5kit.schedules.base import LearningRateSchedule
from m5kit.training.clock import TrainClock

_LEAST = 0.01


class LearningRates:
    """Writes the rates of a step into the optimizer.

    Args:
        optimizer: its groups have the rates of full strength now.
        schedule: what follows the warm-up.
        warmup: share of the steps in which the rate rises in a straight line.
        max_steps: length of the run.
    """

    def __init__(self, optimizer: Optimizer, schedule: LearningRateSchedule, warmup: float, max_steps: int) -> None:
        self.optimizer, self.schedule = optimizer, schedule
        self.max_steps, self.warmup = max_steps, round(warmup * max_steps)
        # kept here, because a checkpoint's groups hold the rates of the step at which it was saved
        self._full = [group["lr"] for group in optimizer.param_groups]

    def factor(self, step: int) -> float:
        """Factor of the learning rates with which ``step``, counted from 0, is made."""
        if step < self.warmup:
            # Above 0 in the first step, and full in the first one after the warm-up.
            return (step + 1) / (self.warmup + 1)
        return self.schedule.factor((step - self.warmup) / max(self.max_steps - self.warmup, 1))

    def apply(self, step: int) -> None:
        """Set the rates for ``step``."""
        factor = self.factor(step)
        for group, rate in zip(self.optimizer.param_groups, self._full, strict=True):
            group["lr"] = rate * factor


class TimedRates(LearningRates):
    """Rates of a run whose length is given in time: the schedule follows the clock, or the steps where these end it.

    Args:
        optimizer: its groups have the rates of full strength now.
        schedule: what follows the warm-up.
        warmup: share of the time in which the rate rises in a straight line.
        seconds: length of the run.
        clock: of the run.
        most: steps that end the run if its time has not by then.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: LearningRateSchedule,
        warmup: float,
        seconds: float,
        clock: TrainClock,
        most: float = math.inf,
    ) -> None:
        super().__init__(optimizer, schedule, 0.0, 1)
        self.share, self.seconds, self.clock, self.most = warmup, seconds, clock, most

    def factor(self, step: int) -> float:
        """Factor of the learning rates now."""
        progress = min(max(self.clock.seconds / self.seconds, step / self.most), 1.0)
        if progress < self.share:
            return max(progress / self.share, _LEAST)  # a step at rate 0 would be wasted
        return self.schedule.factor(min((progress - self.share) / max(1 - self.share, 1e-9), 1.0))
