"""Saves checkpoints on the way, at the end, and when the run is told to stop."""

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from torch import Tensor

from m5kit.runs import checkpoint
from m5kit.train.callbacks.base import Callback, StepData, TrainState


class CheckpointCallback(Callback):
    """Saves every ``every_steps`` steps, at the last one, and after the one in which the run was told to stop.

    Args:
        folder: where checkpoints go.
        every_steps: distance in optimiser steps.
        keep: how many of them stay.
        hooks: by name, whose state is saved too.
        require_finite: raises unless every step so far was finite; called before each save.
    """

    def __init__(
        self,
        folder: Path,
        every_steps: int,
        keep: int,
        hooks: Mapping[str, checkpoint.Stateful],
        require_finite: Callable[[], None],
    ) -> None:
        self.folder = folder
        self.every_steps = every_steps
        self.keep = keep
        self.hooks = hooks
        self.require_finite = require_finite
        self.stopped_by: int | None = None
        self._before: dict[int, Any] = {}

    def before_train(self, state: TrainState) -> None:
        """Take over the signals: a step is never cut in half. A second signal acts as it would have without us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Save if it is time, or if the run was told to stop."""
        if self.stopped_by is not None:
            state.stopping = True
        if state.step % self.every_steps == 0 or state.last:
            self.require_finite()
            checkpoint.save(self.folder, state.step, state.model, state.optimizer, self.keep, self.hooks)

    def after_train(self, state: TrainState) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped_by = number
        signal.signal(number, self._before[number])
