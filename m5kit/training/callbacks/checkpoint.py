"""Saves checkpoints on the way, at the end, and when the run is told to stop."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from m5kit.errors import ConfigError
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica
from m5kit.runs import checkpoint
from m5kit.runs.tensor_state import Stateful
from m5kit.training.callbacks.base import Callback, StepData, TrainState


class CheckpointCallback(Callback):
    """Saves every ``every_steps`` steps, at the last one, and after the one in which the run was told to stop.

    The first process writes, and the others wait for it: all of them hold the same.

    Args:
        folder: where checkpoints go.
        every_steps: distance in optimizer steps.
        keep: how many of them stay.
        hooks: by name, whose state is saved too.
        require_finite: raises unless every step so far was finite; called before each save.
        best: decides which checkpoint is the best so far; None if nobody asked.
        group: of the run.
        replica: what this process holds of the model; None for all of it.
    """

    def __init__(
        self,
        folder: Path,
        every_steps: int,
        keep: int,
        hooks: Mapping[str, Stateful],
        require_finite: Callable[[], None],
        best: "BestValue | None" = None,
        group: Group | None = None,
        replica: Replica | None = None,
    ) -> None:
        self.folder = folder
        self.every_steps = every_steps
        self.keep = keep
        self.hooks = hooks
        self.require_finite = require_finite
        self.best = best
        self.group, self.replica = group or Group(), replica

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Save if it is time, or if the run ends."""
        improved = self.best is not None and self.best.improves()
        if state.step % self.every_steps == 0 or state.last or improved:
            self.require_finite()
            self._save(state, improved)
            self.group.wait()

    def _save(self, state: TrainState, improved: bool) -> None:
        replica = self.replica or Replica(state.model)
        model, optimizer = replica.saved(state.model, state.optimizer)
        hooks = replica.saved_hooks(self.hooks)
        if not self.group.first:
            return
        saved = checkpoint.save(self.folder, state.step, model, optimizer, self.keep, hooks)
        if improved:
            checkpoint.mark_best(saved)


class BestValue:
    """The best held-out value of a run; its state goes into the checkpoints.

    Args:
        name: of the value. A loss is best when it is lowest, anything else when it is highest.
        figures: gives the values of the last step, or None if it was not logged.
    """

    def __init__(self, name: str, figures: Callable[[], Mapping[str, float] | None]) -> None:
        self.name, self.figures = name, figures
        self.sign = -1.0 if "loss" in name.split("/") else 1.0
        self.value: float | None = None

    def improves(self) -> bool:
        """Whether the last step has the best value so far, which is then remembered.

        Raises:
            ConfigError: the model was looked at, and there is no such value.
        """
        figures = self.figures() or {}
        if self.name not in figures:
            known = [name for name in figures if name.startswith("val/")]
            if known:
                raise ConfigError([f"checkpoint.best: there is no value {self.name!r}; there are {', '.join(known)}"])
            return False
        if self.value is not None and self.sign * figures[self.name] <= self.sign * self.value:
            return False
        self.value = figures[self.name]
        return True

    def state_dict(self) -> dict[str, Any]:
        """The value."""
        return {"value": self.value}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self.value = state["value"]
