"""Weights from a learned variance of each task: a task that is hard to predict counts less."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from m5kit.balancers.base import Balancer
from m5kit.ranges import Positive
from m5kit.registry import BALANCERS


@BALANCERS.register_module("uncertainty")
class UncertaintyBalancer(Balancer):
    """Each task has a log variance ``s``, and its term is ``exp(-s) L + s / 2``.

    All weights ``exp(-s)`` are 1 at the start, so training begins as with ``fixed``. A weight converges to
    ``1 / (2 L)``: every task then has the same influence, whatever the scale of its loss, and the ``weight`` in the
    config says how strong it is. A task that is absent from a step does not change its variance.

    Args:
        tasks: names, in order.
        rate: factor of the learning rate of the log variances; at a network's rate they would hardly move in a run.

    Source: Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses (CVPR 2018), equation 10,
    with its classification form for all tasks.
    """

    def __init__(self, *, tasks: Sequence[str], rate: Positive = 10.0) -> None:
        super().__init__()
        self.rate = rate
        self.log_variances = nn.Parameter(torch.zeros(len(tasks)))

    def factors(self, present: Tensor) -> Tensor:
        """``exp(-s)``; shapes as in :meth:`Balancer.factors`."""
        return torch.exp(-self.log_variances)

    def penalty(self, present: Tensor) -> Tensor:
        """``s / 2``; shapes as in :meth:`Balancer.penalty`."""
        # without `where` the gradient of s / 2 alone would raise the weight of a task that is not there
        return torch.where(present, self.log_variances / 2, 0.0)

    def learning_rate_scales(self) -> Mapping[str, float]:
        """Factor of the learning rate by parameter name; read when the optimizer is built."""
        return {"log_variances": self.rate}
