"""Ends a run in which something is not finite, before anything of it is written."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from m5kit.errors import M5KitError
from m5kit.runs import checkpoint
from m5kit.training.callbacks.base import Callback, StepData, TrainState

_MOST = 100  # steps whose outputs wait on the device for a look at them


class FiniteCallback(Callback):
    """Looks at losses and gradients once a logging interval, and whenever somebody is about to save.

    A step that is not finite leaves the weights as they were, so looking late loses nothing but time; looking at each
    step would wait for the device.

    Args:
        every_steps: distance of the looks in optimizer steps.
        checkpoints: where those of the run are.
        writes: whether this process may move a checkpoint.
    """

    def __init__(self, every_steps: int, checkpoints: Path, writes: bool = True) -> None:
        self.every_steps = every_steps
        self.checkpoints = checkpoints
        self.writes = writes
        self._unseen: list[tuple[int, tuple[str, ...], Mapping[str, Tensor]]] = []

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Keep the step's values, and look if it is time."""
        self._unseen.append((state.step, data.batches[0].ids[:8], outputs))
        if state.step % self.every_steps == 0 or state.last or len(self._unseen) == _MOST:
            self.require()

    def require(self) -> None:
        """See that every step so far was finite.

        Raises:
            M5KitError: one was not; names the step, the values and the first of its items.
        """
        if not self._unseen:
            return
        losses = torch.stack([outputs["loss"] for _, _, outputs in self._unseen])
        norms = torch.stack([outputs["grad_norm"] for _, _, outputs in self._unseen])
        finite = (losses.isfinite() & norms.isfinite()).tolist()  # the only wait for the device
        if not all(finite):
            step, ids, outputs = self._unseen[finite.index(False)]
            aside = None
            if self.writes and not outputs["loss"].isfinite():
                # the weights before this step gave that loss: going on from them would end here again
                aside = checkpoint.set_aside(self.checkpoints, step - 1)
            note = f" (that of step {step - 1} was set aside: {aside})" if aside else ""
            raise M5KitError(_message(step, ids, outputs) + note)
        self._unseen.clear()


def _message(step: int, ids: tuple[str, ...], outputs: Mapping[str, Tensor]) -> str:
    values = {name: float(value) for name, value in outputs.items()}
    bad = ", ".join(f"{name} = {value}" for name, value in values.items() if not math.isfinite(value))
    what = "gradient" if math.isfinite(values["loss"]) else "loss"
    return (
        f"the {what} is not finite at step {step} ({bad}); the step's items begin with {', '.join(ids)}. "
        "Lower schedule.lr or schedule.clip, or use schedule.precision=fp32; "
        "--resume goes on from the last checkpoint"
    )
