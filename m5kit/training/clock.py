"""How long a run has been trained, those parts before an interruption counted."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any


class TrainClock:
    """Measures wall-clock time from the beginning of training; its state goes into the checkpoints.

    Args:
        expected: seconds a step that the user was told before; None if nothing was told.
    """

    def __init__(self, expected: float | None = None) -> None:
        self.expected = expected
        self._before = 0.0
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """Of training so far."""
        return self._before + (0.0 if self._started is None else perf_counter() - self._started)

    def start(self) -> None:
        """Training begins, or goes on."""
        self._started = perf_counter()

    def state_dict(self) -> dict[str, Any]:
        """The seconds so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._before = float(state["seconds"])
