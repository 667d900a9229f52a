"""The mean of the tokens."""

from torch import Tensor

from m5kit.nn.pooling import length_mean
from m5kit.ranges import Count
from m5kit.readouts.base import Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens


@READOUTS.register_module("mean")
class MeanReadout(Readout):
    """Mean of all tokens, the summary included.

    Args:
        dim: width d of the tokens.
    """

    def __init__(self, *, dim: Count) -> None:
        super().__init__()
        self.width = dim

    def forward(self, tokens: Tokens) -> Tensor:
        """``b d``."""
        return length_mean(tokens.values, tokens.lengths)
