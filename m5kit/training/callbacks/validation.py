"""Looks at held-out items on the way, so that a run that learns nothing of use is seen before its end."""

from collections.abc import Mapping
from contextlib import nullcontext
from time import perf_counter

from torch import Tensor

from m5kit.parallel.replica import Replica
from m5kit.training.callbacks.base import Callback, StepData, TrainState, is_logged
from m5kit.training.held_out import HeldOut

LOOKS = 10
"""How often a run is looked at if its config does not say."""


class ValidationCallback(Callback):
    """Measures the model at logged steps, about every ``every_steps``; training goes on to the same bits.

    Args:
        held_out: measures.
        every_steps: distance in optimizer steps; None for a tenth of the run.
        logged_every: distance of the logged steps.
        replica: what this process holds of the model; None for all of it.
    """

    def __init__(
        self, held_out: HeldOut, every_steps: int | None, logged_every: int, replica: Replica | None = None
    ) -> None:
        self.held_out, self.every_steps, self.logged_every = held_out, every_steps, logged_every
        self.replica = replica
        self.values: Mapping[str, float] = {}  # of the last step, ``val/...``; empty if it was not looked at
        self.chance: Mapping[str, float] = {}
        self.seconds = 0.0  # that the last look took

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Measure if it is time."""
        self.values, self.seconds = {}, 0.0
        if not is_due(state, self.every_steps, self.logged_every):
            return
        started = perf_counter()
        with self.replica.whole() if self.replica else nullcontext():
            measured = self.held_out.measure()
        self.values = {f"val/{name}": value for name, value in measured.values.items()}
        self.chance = {f"val/{name}": value for name, value in measured.chance.items()}
        self.seconds = perf_counter() - started


class ValidationPeer(Callback):
    """Stands in for :class:`ValidationCallback` on the other processes, whose pieces of the model it needs.

    Args:
        every_steps: as there.
        logged_every: as there.
        replica: what this process holds.
    """

    def __init__(self, every_steps: int | None, logged_every: int, replica: Replica) -> None:
        self.every_steps, self.logged_every, self.replica = every_steps, logged_every, replica

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Let the first process have the whole model if it is time."""
        if is_due(state, self.every_steps, self.logged_every):
            with self.replica.whole():
                pass


def is_due(state: TrainState, every_steps: int | None, logged_every: int) -> bool:
    """Whether a multiple of the distance lies after the last logged step: a function of the step, to resume."""
    every = every_steps or max(state.max_steps / LOOKS, 1)
    passed = state.step // every > max(state.step - logged_every, 0) // every
    return is_logged(state, logged_every) and (state.last or passed)
