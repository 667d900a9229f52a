"""Learned queries that choose what they read."""

import math

import torch
from torch import Tensor, nn

from m5kit.ranges import Count
from m5kit.readouts.base import Readout
from m5kit.registry import READOUTS
from m5kit.structures import Tokens


@READOUTS.register_module("attention")
class AttentionReadout(Readout):
    """Each of a few learned queries takes a mean of the tokens by attention (Set Transformer's PMA, ICML 2019).

    Args:
        dim: width d of the tokens.
        queries: how many; their means stand side by side.
    """

    def __init__(self, *, dim: Count, queries: Count = 4) -> None:
        super().__init__()
        self.width = queries * dim
        self.queries = nn.Parameter(torch.empty(queries, dim))
        self.keys = nn.Linear(dim, dim, bias=False)
        nn.init.trunc_normal_(self.queries, std=0.02)

    def forward(self, tokens: Tokens) -> Tensor:
        """``b qd`` for q queries."""
        # Padding may hold anything, even NaN, and a weight of 0 times NaN is NaN.
        values = tokens.values.masked_fill(~tokens.mask[..., None], 0.0)
        scores = self.queries @ self.keys(values).mT / math.sqrt(values.shape[2])
        # the lowest number instead of -inf: an item without tokens must give zeros, not NaN
        scores = scores.masked_fill(~tokens.mask[:, None], torch.finfo(scores.dtype).min)
        read: Tensor = scores.softmax(dim=-1) @ values
        return read.flatten(1)
