"""Several readouts side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from m5kit.ranges import Count
from m5kit.readouts.base import Layout, Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens


@READOUTS.register_module("joined")
class JoinedReadout(Readout):
    """What several readouts make of the same tokens, side by side.

    Args:
        dim: width d of the tokens.
        layout: rows and columns of the tokens; None for a sequence.
        parts: names of readouts, built with their defaults.
    """

    def __init__(self, *, dim: Count, layout: Layout = None, parts: Sequence[str] = ("moments", "grid")) -> None:
        super().__init__()
        # Through the registry, so that a plugin's readout can be a part too.
        built: list[Readout] = [READOUTS.build({"type": name}, dim=dim, layout=layout) for name in parts]
        self.parts = nn.ModuleList(built)
        self.width = sum(part.width for part in built)

    def forward(self, tokens: Tokens) -> Tensor:
        """``b w``, w being the sum of the parts' widths."""
        return torch.cat([part(tokens) for part in self.parts], dim=1)
