"""Starts the clock, says how long the run will take, and ends a run whose length is given in minutes."""

import math
from collections.abc import Callable, Mapping

from torch import Tensor

from m5kit.runs.log import LOGGER
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.clock import TrainClock
from m5kit.training.forecast import readable

_FIRST = 2  # steps of a process that are slower than the others: workers start, memory is laid out
_MEASURED = 5
_NEARLY = 1.5  # what was told before the first step is not told again as long as it was not further off
_SHORT = 60.0  # seconds; a shorter run is over before anybody has read how long it takes


class ClockCallback(Callback):
    """Estimates the length of a run from its first steps; with ``seconds`` also ends it.

    Args:
        clock: of the run.
        seconds: length of the run; None where its steps are counted.
        write: shows a line to the user.
        most: steps that end the run if its time has not by then.
    """

    def __init__(
        self, clock: TrainClock, seconds: float | None, write: Callable[[str], None], most: float = math.inf
    ) -> None:
        self.clock, self.seconds, self.write, self.most = clock, seconds, write, most
        self._steps = 0  # of this process
        self._from = 0.0

    def before_train(self, state: TrainState) -> None:
        """Time begins to count."""
        self.clock.start()
        if self.seconds is None:
            return
        # Nothing is known yet: steps that were done before must not look like the last ones.
        planned = max(state.max_steps, state.step + _FIRST + 1)
        # a run that is over takes no step
        state.max_steps = state.step if self.clock.seconds >= self.seconds else self._at_most(planned)

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Count, and estimate how many steps there will be."""
        self._steps += 1
        self.clock.tick()
        now = self.clock.seconds
        if self._steps == _FIRST:
            self._from = now
        measured = self._steps - _FIRST
        if self.seconds is not None and measured > 0:
            left = max(self.seconds - now, 0.0)
            # the step that is under way when the time is over is finished, hence upwards
            state.max_steps = self._at_most(state.step + math.ceil(left * measured / (now - self._from)))
        if measured == _MEASURED:
            self._announce(state, (now - self._from) / measured)

    def _at_most(self, steps: int) -> int:
        return int(min(steps, self.most))

    def _announce(self, state: TrainState, seconds_a_step: float) -> None:
        told = self.clock.expected
        if told is not None and told / _NEARLY <= seconds_a_step <= told * _NEARLY:
            return
        left = (state.max_steps - state.step) * seconds_a_step
        if left >= _SHORT:
            text = f"{state.max_steps} steps of {seconds_a_step:.2f} s: about {readable(left)} on this machine"
            LOGGER.info(text)
            self.write(text)
