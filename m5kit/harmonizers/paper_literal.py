"""SCALE's weights as the paper prints them, for study: use ``graph`` or ``learned`` to train something."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from m5kit.harmonizers.base import Harmonizer
from m5kit.nn.weighting import both_present, pooled_shares
from m5kit.registry import HARMONIZERS
from m5kit.structures import Harmony


@HARMONIZERS.register_module("paper_literal")
class PaperLiteralHarmonizer(Harmonizer):
    """Free parameters S, weights ``S * softmax(S)`` by row, nothing that keeps them up.

    The paper starts S at 0: all weights are 0 then, no loss reaches the network, and the first step takes S below zero,
    where the clamp holds the weights at 0 for good. From a positive ``init`` the network trains, but the weighted loss
    is lowest with all weights at 0, so they sink until they are (without the clamp: on to minus infinity). The paper
    has one S an item, which cannot be stored; here all items share one. Pairs are symmetrised, as in ``graph``.

    Args:
        modalities: the m columns.
        init: the start of every parameter.

    Source: Dong et al., M5Product (CVPR 2022), equation 3 and the line above it.
    """

    def __init__(self, *, modalities: Sequence[str], init: float = 0.0) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.full((len(modalities), len(modalities)), init))

    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """The free weights where present; shapes as in :meth:`Harmonizer.forward`."""
        weights = (self.scores * self.scores.softmax(dim=-1)).clamp(min=0)
        pairs = (weights + weights.mT) / 2 * both_present(present)
        return Harmony(pairs, weights.diagonal() * present, pooled_shares(pairs, present))
