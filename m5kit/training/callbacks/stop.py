"""Ends a run at one step on all processes: for a signal to any of them, or because something else asked for it."""

import signal
from collections.abc import Mapping
from time import monotonic
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from m5kit.parallel.group import Group
from m5kit.training.callbacks.base import Callback, StepData, TrainState

_PASSED_ON = 5.0
"""Seconds in which a launcher passes a signal on that its processes may have got already."""


class StopCallback(Callback):
    """Takes over the signals, so that a step is never cut in half, and agrees with the other processes on the end.

    It stands after everything that may end a run and before the checkpoint of the last step. A signal is told with the
    exchange of a step; one that comes later in the step ends the run after the next.

    Args:
        group: of the run.
        hooks: whether there are any, which may end the run after a step for reasons of their own.

    Attributes:
        stopped_by: the signal that ends the run, on whichever process it came; None if none did.
    """

    def __init__(self, group: Group, hooks: bool = True) -> None:
        self.group, self.notice, self.hooks = group, group.notice, hooks
        self.stopped_by: int | None = None
        self._at = 0.0
        self._before: dict[int, Any] = {}

    def before_train(self, state: TrainState) -> None:
        """Take over the signals. A second one acts as it would have without us."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)
        self._agree(state)  # a hook may have ended the run before its first step

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """See whether anybody wants to end the run."""
        if self.group.size == 1:
            self.notice.told_signal = self.notice.signal  # there is nobody to wait for
        self.stopped_by = self.notice.told_signal or None
        state.stopping = state.stopping or self.stopped_by is not None
        # No exchange follows the last step, and what hooks decide is as old as the step itself.
        if self.hooks or state.last:
            self._agree(state)

    def after_train(self, state: TrainState) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _agree(self, state: TrainState) -> None:
        own = torch.tensor([self.notice.signal, state.stopping], dtype=torch.uint8)
        told = self.group.all_bytes(own).amax(0).tolist()
        self.stopped_by = told[0] or None
        state.stopping = any(told)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if not self.notice.signal:
            self.notice.signal, self._at = number, monotonic()
            if self.group.size == 1:
                signal.signal(number, self._before[number])
        elif self.group.size == 1 or monotonic() - self._at >= _PASSED_ON:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
