"""Counts what could not be decoded and stops a run whose data is mostly broken."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple

from torch import Tensor

from m5kit.data.failures import FailureLog, attempts
from m5kit.parallel.group import Group
from m5kit.structures import Failure
from m5kit.training.callbacks.base import Callback, StepData, TrainState, is_logged


class FailuresCallback(Callback):
    """Hands what every process counted to the failure log, alike on all of them, so that all stop or none does.

    Args:
        failures: knows the allowed share.
        group: of the run; several processes tell each other at logged steps only, one counts at every step.
        every_steps: distance of the logged steps.
    """

    def __init__(self, failures: FailureLog, group: Group, every_steps: int) -> None:
        self.failures, self.group, self.every_steps = failures, group, every_steps
        self._attempts: Counter[str] = Counter()
        self._failures: list[Failure] = []

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Count the step's batches."""
        for batch in data.batches:
            self._attempts.update(attempts(batch))
            self._failures += batch.failures
        if self.group.size == 1 or is_logged(state, self.every_steps):
            self._tell()

    def after_train(self, state: TrainState) -> None:
        """What came after the last logged step is not lost."""
        self._tell()

    def _tell(self) -> None:
        own = list(map(astuple, self._failures))
        tried: Counter[str] = Counter()
        failed: list[Failure] = []
        for counted, failures in self.group.values((self._attempts, own)):
            tried.update(counted)
            failed += [Failure(*facts) for facts in failures]
        self._attempts, self._failures = Counter(), []
        self.failures.add(tried, failed)
