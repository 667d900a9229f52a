"""The outer product of all modalities, in factors: each number of one may multiply each number of every other."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.fusions.base import Fusion, add_context, presence, stack_summaries
from m5kit.nn.pooling import Context
from m5kit.nn.transformer import init_weights
from m5kit.ranges import Count, Dropout
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("low_rank")
class LowRankFusion(Fusion):
    """Low-rank multimodal fusion (Liu et al., ACL 2018, arXiv 1806.00064).

    A linear map of the outer product of the summaries ``[s_m; 1]``, kept as r factors a modality, so that the product
    is never formed:

        e = b + sum_r prod_m (W_mr [s_m; 1])

    with an element-wise product. The factor of an absent modality is 1. A weight moves a factor between 1 and itself:
    ``1 + c (factor - 1)``, c the weight times the number of present modalities, which is 1 for equal weights.

    Factors start near 1 and b at -r, so the embedding starts as a sum over modalities to which training adds products;
    products of small numbers would start with next to no gradient. The embedding, projected, is added to every token,
    so a masked task can read the other modalities there and trains the factors.

    Args:
        modalities: the m columns.
        dim: width d.
        rank: how many products are summed, r.
        dropout: rate on the summaries.

    Raises:
        ConfigError: ``rank`` is below 1.
    """

    def __init__(self, *, modalities: tuple[str, ...], dim: Count, rank: Count = 4, dropout: Dropout = 0.1) -> None:
        super().__init__()
        if rank < 1:
            raise ConfigError([f"fusion 'low_rank': rank must be 1 or more, got {rank}"])
        self.modalities = tuple(modalities)
        self.dim = dim
        self.rank = rank
        self.dropout = nn.Dropout(dropout)
        self.factors = nn.ModuleList(nn.Linear(dim, rank * dim) for _ in self.modalities)
        self.bias = nn.Parameter(torch.full((dim,), -float(rank)))
        self.context = Context(dim=dim)
        for factor in self.factors:
            init_weights(factor)
            nn.init.ones_(cast(nn.Linear, factor).bias)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        count = present.sum(1, keepdim=True)
        embedding = self._product(tokens, weights * count).masked_fill(count == 0, 0.0)
        fused = add_context(self.context, tokens, embedding)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, embedding, weights)

    def _product(self, tokens: Mapping[str, Tokens], shares: Tensor) -> Tensor:
        """The embedding ``b d``; ``shares`` ``b m`` is 0 where absent."""
        product = self.bias.new_ones(shares.shape[0], self.rank * self.dim)
        for column, name in enumerate(self.modalities):
            if name in tokens:
                share = shares[:, column, None]
                summary = tokens[name].summary.masked_fill(share == 0, 0.0)  # padding may hold anything
                product = product * (1 + share * (self.factors[column](self.dropout(summary)) - 1))
        summed: Tensor = product.view(-1, self.rank, self.dim).sum(1)
        return summed + self.bias
