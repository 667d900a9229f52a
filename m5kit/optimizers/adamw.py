"""Adam with decoupled weight decay."""

from collections.abc import Sequence

from torch.optim import AdamW, Optimizer

from m5kit.nn.eager import eager
from m5kit.optimizers.base import OptimizerBuilder, ParameterGroup
from m5kit.ranges import Amount, Dropout
from m5kit.registry import OPTIMIZERS


@OPTIMIZERS.register_module("adamw")
class AdamWBuilder(OptimizerBuilder):
    """AdamW, the default: adaptive rates, and a weight decay that does not pass through them.

    Args:
        betas: decay of the running means of gradients and of their squares.
        eps: keeps the denominator from zero.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization (ICLR 2019), Algorithm 2.
    """

    elementwise = True

    def __init__(self, *, betas: tuple[Dropout, Dropout] = (0.9, 0.999), eps: Amount = 1e-8) -> None:
        self.betas, self.eps = betas, eps

    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Build torch's AdamW in its fused form: one kernel for each group."""
        beta1, beta2 = self.betas  # a config gives a list, torch wants a tuple
        return eager(AdamW)(list(groups), betas=(beta1, beta2), eps=self.eps, fused=True)
