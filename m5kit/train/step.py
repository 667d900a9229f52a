"""One optimiser step in plain torch: forward, backward, clip, and the update unless something is not finite."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from m5kit.structures import Batch


class TrainStep:
    """Makes optimiser steps; nothing is read from the device.

    Args:
        model: a pretrainer or finetuner.
        optimizer: updates it.
        clip: largest global norm of the gradient; None leaves it as it is.
        precision: ``fp32`` or ``bf16``.
        seed: with the step's number it decides what the tasks hide, so that no state needs to be carried.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, clip: float | None, precision: str, seed: int) -> None:
        self.model, self.optimizer = model, optimizer
        self.clip, self.precision, self.seed = clip, precision, seed
        self.number = 0
        self.grad_norm = torch.zeros(())

    def __call__(self, micro_batches: Sequence[Batch]) -> dict[str, Tensor]:
        """One step: scalars on the device; ``loss`` is the total."""
        device = next(self.model.parameters()).device
        logs: list[dict[str, Tensor]] = []
        for index, batch in enumerate(micro_batches):
            generator = host_generator(self.seed, self.number, index)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                output = self.model.loss(batch.to(device), generator)  # type: ignore[operator]
            if output.loss.requires_grad:
                (output.loss / len(micro_batches)).backward()
            logs.append({"loss": output.loss.detach(), **output.logs})
        self._update()
        return _mean(logs)

    def _update(self) -> None:
        parameters = [p for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.grad_norm = nn.utils.clip_grad_norm_(parameters, math.inf if self.clip is None else self.clip)
        if self.grad_norm.isfinite():
            self.optimizer.step()
        self.optimizer.zero_grad()


def host_generator(*numbers: int) -> torch.Generator:
    """A host generator that is a pure function of ``numbers``."""
    seed = np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed >> np.uint64(1)))


def _mean(logs: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    if len(logs) == 1:
        return logs[0]
    everywhere = [key for key in logs[0] if all(key in log for log in logs)]
    return {key: torch.stack([log[key] for log in logs]).mean() for key in everywhere}
