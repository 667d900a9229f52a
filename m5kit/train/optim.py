"""The optimiser, its learning-rate schedule, and mmengine's wrapper around them, on any device."""

import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from m5kit.config import Schedule
from m5kit.nn.pretrained.tuning import learning_rate_scales
from m5kit.train.mmengine import CosineAnnealingLR, LinearLR, OptimWrapper


class StepOptimWrapper(OptimWrapper):  # type: ignore[misc]  # mmengine ships no types
    """An optimiser with clipping and bf16 autocast on any device, and no transfer from the device in a step.

    mmengine's own wrapper reads the gradient norm from the device at every step, and its AMP wrapper refuses a CPU.

    Args:
        optimizer: any optimiser.
        clip: largest global norm of the gradient; None leaves it as it is.
        precision: ``fp32`` or ``bf16``.
    """

    def __init__(self, optimizer: Optimizer, clip: float | None, precision: str) -> None:
        super().__init__(optimizer)
        self.clip = clip
        self.precision = precision
        self.grad_norm = torch.zeros(())

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast for the forward pass."""
        device = next(model.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16"):
            yield

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of ``loss``; a batch in which nobody has anything teaches nothing."""
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]

    def step(self) -> None:
        """Clip, keep the norm on the device for the log, update."""
        parameters = [p for group in self.optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.grad_norm = nn.utils.clip_grad_norm_(parameters, math.inf if self.clip is None else self.clip)
        self.optimizer.step()


def build_optim_wrapper(model: nn.Module, schedule: Schedule) -> StepOptimWrapper:
    """AdamW that decays matrices only: not biases, norms, tokens or positions of one row.

    Parameters of pretrained encoders learn at the rates that these say; new ones come first, so the log shows theirs.
    """
    scales, kinds = learning_rate_scales(model), defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kinds[scales.get(name, 1.0), parameter.squeeze().dim() >= 2].append(parameter)
    order = sorted(kinds, key=lambda kind: (kind[0] != 1.0, -kind[0], not kind[1]))
    groups = [
        {"params": kinds[scale, matrix], "lr": schedule.lr * scale, "weight_decay": schedule.weight_decay * matrix}
        for scale, matrix in order
    ]
    optimizer = AdamW(groups, lr=schedule.lr, fused=True)
    return StepOptimWrapper(optimizer, schedule.clip, schedule.precision)


def build_schedulers(wrapper: StepOptimWrapper, schedule: Schedule) -> list[LinearLR | CosineAnnealingLR]:
    """Linear warm-up over a share of the steps, then the decay that the config names."""
    warmup = round(schedule.warmup * schedule.max_steps)
    schedulers: list[LinearLR | CosineAnnealingLR] = []
    if warmup:
        schedulers.append(LinearLR(wrapper, start_factor=1 / (warmup + 1), end=warmup + 1, by_epoch=False))
    span = {"begin": warmup, "end": schedule.max_steps + 1, "by_epoch": False}  # mmengine stops one short of the end
    if schedule.decay == "linear":
        schedulers.append(LinearLR(wrapper, start_factor=1.0, end_factor=0.0, **span))
    elif schedule.decay == "cosine":
        schedulers.append(CosineAnnealingLR(wrapper, T_max=schedule.max_steps - warmup, eta_min=0.0, **span))
    return schedulers
