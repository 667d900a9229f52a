"""How long a run has been trained, those parts before an interruption counted."""

from collections.abc import Callable, Mapping
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

    def tick(self) -> None:
        """A step is done; only a shared clock needs to know."""

    def state_dict(self) -> dict[str, Any]:
        """The seconds so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._before = float(state["seconds"])


class SharedClock(TrainClock):
    """That of the first process, read by all once a step: what depends on the time must not differ between them.

    Args:
        of_first: gives what the first process gives.
    """

    def __init__(self, of_first: Callable[[float], float]) -> None:
        super().__init__()
        self.of_first = of_first
        self._read = 0.0

    @property
    def seconds(self) -> float:
        """Of training up to the last tick."""
        return self._read

    def start(self) -> None:
        """Training begins, or goes on."""
        super().start()
        self.tick()

    def tick(self) -> None:
        """Read the first process's clock."""
        self._read = self.of_first(super().seconds)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._read = self._before
