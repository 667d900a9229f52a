"""Weights that give the gradients of all tasks comparable norms, larger for tasks that learn slowly."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.balancers.base import Balancer
from m5kit.errors import ConfigError
from m5kit.ranges import Amount, Positive
from m5kit.registry import BALANCERS

TINY = 1e-12
"""The least divisor: the first loss of a task is 0 until it was present, and a gradient may vanish."""


@BALANCERS.register_module("gradnorm")
class GradNormBalancer(Balancer):
    """Moves the weights until each task's gradient has the norm that its pace of learning asks for.

    The norm is that of the gradient on the encoded tokens, before the fusion: no parameter is common to all tasks (the
    contrastive task never reads the fusion, a masked one may read a single modality), but all tasks learn through these
    tokens. A task's target is the mean norm times ``r ** alpha``; ``r`` is the share of its first loss that is left,
    over the mean share of all tasks. Weights stay positive and sum to the number of tasks.

    Two things differ from the paper, so that ``lr`` means the same whatever the losses' scale: the weights are learned
    as logarithms, and the objective is divided by the mean norm. They are updated by plain gradient descent;
    the weights are no parameters, so neither clipping nor the learning rate's schedule touches them.

    A step costs one backward pass through the fusion for each task. Absent tasks are left out of the means.

    Args:
        tasks: names, in order.
        alpha: how strongly slow tasks are pulled; 0 makes all norms alike.
        lr: step of the log weights.

    Source: Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing (ICML 2018), equations 1 and 2;
    gradients on representations instead of parameters: Sener and Koltun (NeurIPS 2018), section 3.3.
    """

    needs_norms = True
    log_weights: Tensor
    first: Tensor

    def __init__(self, *, tasks: Sequence[str], alpha: Amount = 1.5, lr: Positive = 0.025) -> None:
        super().__init__()
        if lr <= 0:
            raise ConfigError([f"balancer 'gradnorm': lr must be above 0, got {lr}"])
        self.alpha, self.lr = alpha, lr
        self.register_buffer("log_weights", torch.zeros(len(tasks)))
        self.register_buffer("first", torch.zeros(len(tasks)))  # 0 until the task was first present

    def factors(self, present: Tensor) -> Tensor:
        """The weights; shapes as in :meth:`Balancer.factors`."""
        return self.log_weights.exp()

    @torch.no_grad()
    def observe(self, losses: Tensor, norms: Tensor | None, present: Tensor) -> None:
        """One step of descent on ``sum |w g - target| / mean(w g)`` over the present tasks; the target is constant."""
        if norms is None:
            return
        self.first.copy_(torch.where(present & (self.first == 0), losses, self.first))
        left = losses / self.first.clamp(min=TINY)
        pace = left / _mean(left, present).clamp(min=TINY)
        pull = self.log_weights.exp() * norms
        mean = _mean(pull, present).clamp(min=TINY)
        target = mean * pace.clamp(min=TINY) ** self.alpha
        # The gradient by hand: of |w g - target| it is a sign, and d(w g)/d(log w) is w g itself.
        step = torch.where(present, torch.sign(pull - target) * pull / mean, 0.0)
        moved = self.log_weights - self.lr * step
        # Normalised so that the weights sum to the number of tasks.
        moved = moved - moved.logsumexp(0) + math.log(len(moved))
        self.log_weights.copy_(torch.where(present.any(), moved, self.log_weights))


def _mean(values: Tensor, present: Tensor) -> Tensor:
    """Mean over the present tasks; 0 if there is none."""
    return (values * present).sum() / present.sum().clamp(min=1)
