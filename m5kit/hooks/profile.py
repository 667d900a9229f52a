"""A trace of a few steps: what ran on the processor and on the device, and when."""

from typing import TYPE_CHECKING

import torch

from m5kit.errors import ConfigError
from m5kit.hooks.base import Hook, Training
from m5kit.ranges import Count, Natural
from m5kit.registry import HOOKS

if TYPE_CHECKING:
    from torch.profiler import profile


@HOOKS.register_module("profile")
class ProfileHook(Hook):
    """Writes ``profile.json``, for chrome://tracing or Perfetto, and ``profile.txt``, a table, into the run's folder.

    The steps in question are slower; the others are not. A run that is resumed after them is not traced.

    Args:
        start: steps that are done before; the first ones warm up and tell little. In a shorter run the last ones are
            traced.
        steps: how many are traced.
        rows: lines of the table.
    """

    def __init__(self, *, start: Natural = 20, steps: Count = 5, rows: Count = 40) -> None:
        if start < 0 or steps < 1 or rows < 1:
            raise ConfigError(
                [f"hook 'profile': start must not be below 0, steps and rows not below 1, got {start}, {steps}, {rows}"]
            )
        self.start, self.steps, self.rows = start, steps, rows
        self._running: profile | None = None
        self._first = start

    def before_train(self, training: Training) -> None:
        """Find the steps."""
        # A resumed run may begin after these steps; then ``step`` never equals the first one and nothing is traced.
        self._first = max(min(self.start, training.max_steps - self.steps), 0)

    def before_step(self, training: Training) -> None:
        """Begin with the first of the steps."""
        if training.step == self._first:
            from torch.profiler import ProfilerActivity, profile

            activities = [ProfilerActivity.CPU]
            if torch.cuda.is_available():
                activities.append(ProfilerActivity.CUDA)
            self._running = profile(activities=activities)
            self._running.start()

    def after_step(self, training: Training) -> None:
        """Write after the last of the steps."""
        if training.step == self._first + self.steps:
            self._write(training)

    def after_train(self, training: Training) -> None:
        """A run that ends among the steps is written as far as it went."""
        self._write(training)

    def _write(self, training: Training) -> None:
        if self._running is None:
            return
        if torch.cuda.is_available():
            # Kernels run after the call that starts them; the trace would miss those of the last step.
            torch.cuda.synchronize()
        self._running.stop()
        self._running.export_chrome_trace(str(training.folder / "profile.json"))
        table = self._running.key_averages().table(sort_by="self_cpu_time_total", row_limit=self.rows)
        (training.folder / "profile.txt").write_text(table, encoding="utf-8")
        # The trace holds every event in memory; a long run goes on without it.
        self._running = None
