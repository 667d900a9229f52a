"""Counts what could not be decoded and stops a run whose data is mostly broken."""

from typing import Any

from m5kit.data.failures import FailureLog
from m5kit.train.mmengine import Hook


class FailuresHook(Hook):  # type: ignore[misc]  # mmengine ships no types
    """Hands every batch to the failure log.

    Args:
        failures: knows the allowed share.
    """

    def __init__(self, failures: FailureLog) -> None:
        self.failures = failures

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Count the step's batches."""
        for batch in data_batch.batches:
            self.failures.update(batch)
