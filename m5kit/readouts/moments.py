"""Mean and spread of the tokens."""

import torch
from torch import Tensor

from m5kit.nn.pooling import length_mean
from m5kit.ranges import Count
from m5kit.readouts.base import Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens

STILL = 1e-6
"""Added to a variance before its root, whose slope at zero is infinite."""


@READOUTS.register_module("moments")
class MomentsReadout(Readout):
    """Mean and standard deviation over the observed tokens: what there is, and how much it varies.

    The second moment is what a mean or a summary token loses; for sound it holds much of what is said.

    Args:
        dim: width d of the tokens.
    """

    def __init__(self, *, dim: Count) -> None:
        super().__init__()
        self.width = 2 * dim

    def forward(self, tokens: Tokens) -> Tensor:
        """``b 2d``."""
        # Without the summary token, which is no observation.
        observed, lengths = tokens.values[:, 1:].float(), (tokens.lengths - 1).clamp(min=0)
        mean = length_mean(observed, lengths)
        # Two passes: the mean of squares less the square of the mean cancels where tokens hardly differ.
        variance = length_mean((observed - mean[:, None]).square(), lengths)
        # Without tokens the root of STILL would remain.
        found = (lengths > 0)[:, None].to(variance.device, non_blocking=True)
        deviation = (variance + STILL).sqrt().masked_fill(~found, 0.0)
        return torch.cat([mean, deviation], dim=1)
