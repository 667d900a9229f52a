"""Counts what could not be decoded and stops a run whose data is mostly broken."""

from collections.abc import Mapping

from torch import Tensor

from m5kit.data.failures import FailureLog
from m5kit.training.callbacks.base import Callback, StepData, TrainState


class FailuresCallback(Callback):
    """Hands every batch to the failure log.

    Args:
        failures: knows the allowed share.
    """

    def __init__(self, failures: FailureLog) -> None:
        self.failures = failures

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Count the step's batches."""
        for batch in data.batches:
            self.failures.update(batch)
