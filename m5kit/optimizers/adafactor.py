"""An adaptive optimizer whose memory grows with rows and columns, not with their product."""

from collections.abc import Sequence

from torch.optim import Adafactor, Optimizer

from m5kit.nn.eager import eager
from m5kit.optimizers.base import OptimizerBuilder, ParameterGroup
from m5kit.ranges import Positive
from m5kit.registry import OPTIMIZERS


@OPTIMIZERS.register_module("adafactor")
class AdafactorBuilder(OptimizerBuilder):
    """Adafactor: second moments of a matrix are kept as one number a row and one a column.

    The step is relative to the size of a parameter, so a learning rate around 1e-2 is usual.

    Args:
        beta2_decay: exponent with which the running mean of squares slows down.
        threshold: largest root mean square of an update before it is scaled down.

    Source: Shazeer and Stern, Adafactor (ICML 2018), Algorithm 4.
    """

    def __init__(self, *, beta2_decay: float = -0.8, threshold: Positive = 1.0) -> None:
        self.beta2_decay, self.threshold = beta2_decay, threshold

    def build(self, groups: Sequence[ParameterGroup]) -> Optimizer:
        """Build torch's Adafactor."""
        return eager(Adafactor)(list(groups), beta2_decay=self.beta2_decay, d=self.threshold)
