"""The summary token alone."""

from torch import Tensor

from m5kit.ranges import Count
from m5kit.readouts.base import Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens


@READOUTS.register_module("summary")
class SummaryReadout(Readout):
    """The first token, into which the encoder gathers the others (SCALE, CVPR 2022; BERT's CLS).

    Args:
        dim: width d of the tokens.
    """

    def __init__(self, *, dim: Count) -> None:
        super().__init__()
        self.width = dim

    def forward(self, tokens: Tokens) -> Tensor:
        """``b d``."""
        # What ``summary`` holds for an absent item is undefined.
        absent = (tokens.lengths == 0)[:, None].to(tokens.values.device, non_blocking=True)
        return tokens.summary.masked_fill(absent, 0.0)
