"""Saves checkpoints on the way, at the end, and when the run is told to stop."""

import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from m5kit.runs import checkpoint
from m5kit.train.mmengine import Hook


class CheckpointHook(Hook):  # type: ignore[misc]  # mmengine ships no types
    """Saves every ``every_steps`` steps, at the last one, and after the one in which the run was told to stop.

    Args:
        folder: where checkpoints go.
        every_steps: distance in optimiser steps.
        keep: how many of them stay.
        hooks: by name, whose state is saved too.
    """

    priority = "VERY_LOW"  # after the schedulers, whose state is saved

    def __init__(
        self, folder: Path, every_steps: int, keep: int, hooks: Mapping[str, checkpoint.Stateful] | None = None
    ) -> None:
        self.folder = folder
        self.every_steps = every_steps
        self.keep = keep
        self.hooks = hooks or {}
        self.stopped_by: int | None = None
        self._before: dict[int, Any] = {}

    def before_train(self, runner: Any) -> None:
        """Take over the signals: a step is never cut in half. A second signal acts as it would have without us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._stop)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Save if it is time, or if the run was told to stop."""
        step = batch_idx + 1
        if self.stopped_by is not None:
            runner.train_loop.stop_training = True
        last = step == runner.train_loop.max_iters or runner.train_loop.stop_training
        if step % self.every_steps == 0 or last:
            self._save(runner, step)

    def after_train(self, runner: Any) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopped_by = number
        signal.signal(number, self._before[number])

    def _save(self, runner: Any, step: int) -> None:
        runner.model.step.require_finite(step)
        trained = runner.model.model, runner.optim_wrapper.optimizer, runner.param_schedulers
        checkpoint.save(self.folder, step, *trained, self.keep, self.hooks)
