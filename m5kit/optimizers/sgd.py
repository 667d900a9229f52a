"""Stochastic gradient descent."""

from collections.abc import Sequence

from torch.optim import SGD, Optimizer

from m5kit.nn.eager import eager
from m5kit.optimizers.base import OptimizerBuilder, ParameterGroup
from m5kit.ranges import Share
from m5kit.registry import OPTIMIZERS


@OPTIMIZERS.register_module("sgd")
class SGDBuilder(OptimizerBuilder):
    """Gradient descent with momentum; it needs a learning rate ten to a hundred times that of AdamW.

    Args:
        momentum: share of the last update that is added to this one.
        nesterov: look ahead along the momentum.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning (ICML 2013).
    """

    elementwise = True

    def __init__(self, *, momentum: Share = 0.9, nesterov: bool = True) -> None:
        self.momentum = momentum
        self.nesterov = nesterov and momentum > 0  # torch refuses nesterov without momentum

    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Build torch's SGD."""
        # lr is a default only: every group has its own
        return eager(SGD)(list(groups), lr=groups[0]["lr"], momentum=self.momentum, nesterov=self.nesterov)
