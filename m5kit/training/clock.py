"""How long a run has been trained, those parts before an interruption counted."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from m5kit.parallel.group import Group


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
        return self._own_seconds()

    def start(self) -> None:
        """Training begins, or goes on."""
        self._started = perf_counter()

    def tick(self) -> None:
        """A step is done; only a shared clock needs to know."""

    def _own_seconds(self) -> float:
        return self._before + (0.0 if self._started is None else perf_counter() - self._started)

    def state_dict(self) -> dict[str, Any]:
        """The seconds so far."""
        return {"seconds": self.seconds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._before = float(state["seconds"])


class SharedClock(TrainClock):
    """That of the first process, told with each step: what depends on the time must not differ between them.

    Args:
        group: of the run.
    """

    def __init__(self, group: Group) -> None:
        super().__init__()
        self.group = group
        group.notice.clock = self._own_seconds
        self._read = 0.0

    @property
    def seconds(self) -> float:
        """Of training up to the exchange of the last step."""
        return self._read

    def start(self) -> None:
        """Training begins, or goes on."""
        super().start()
        self._read = self.group.of_first(self._own_seconds())

    def tick(self) -> None:
        """Read what was told."""
        self._read = self.group.notice.told_seconds

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._read = self._before
