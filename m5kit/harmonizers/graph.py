"""Weights from how well the modalities of an item agree: what SCALE's released code computes, made to know absence."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from m5kit.errors import ConfigError
from m5kit.harmonizers.base import Harmonizer
from m5kit.nn.losses import cosines
from m5kit.nn.weighting import both_present, pooled_shares
from m5kit.registry import HARMONIZERS
from m5kit.structures import Harmony

LEAST = 1e-3
"""What a pair that is there weighs at least; a loss over pairs that all weigh 0 would be 0 and look learned."""


@HARMONIZERS.register_module("graph")
class GraphHarmonizer(Harmonizer):
    """Self-harmonised weights without parameters, one matrix S an item.

    With C the cosines of an item's features, ``R = C * softmax(C)`` by row and ``S = R / |R|`` by row; modalities that
    the item lacks are left out of the softmax and weigh 0. A pair gets ``(S_ij + S_ji) / 2``, so that agreeing pairs
    count more; a masked task gets ``S_ii``, so that the modality that agrees least with the others counts most there.
    The share in the pooled embedding is the mean pair weight (:func:`m5kit.nn.weighting.pooled_shares`).

    A pair of opposed features weighs next to nothing: a negative weight would reward tearing it apart, and with 0 for
    every pair, which features that may be negative can give, there would be no loss at all. (Behind a ReLU, as in
    SCALE, cosines are not negative.)

    Args:
        modalities: the m columns; needed with ``rows``.
        detach: keep the losses from lowering themselves by turning the features so that the weights shrink. False is
            the released code.
        rows: all modalities in an order. A pair then gets ``S_ij`` of the row of the one that comes first, as in the
            released code (text, image, table, video, audio); None takes the mean of both.

    Raises:
        ConfigError: ``rows`` lacks a modality.

    Source: Dong et al., M5Product (CVPR 2022), section 4.3, and the formula of the code released with it.
    """

    def __init__(
        self, *, modalities: Sequence[str] = (), detach: bool = True, rows: Sequence[str] | None = None
    ) -> None:
        super().__init__()
        self.detach = detach
        self.places = None if rows is None else _places(modalities, rows)

    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """Weigh by agreement; shapes as in :meth:`Harmonizer.forward`."""
        scores = alignment(features.detach() if self.detach else features, present)
        # Features of zeros, as a ReLU can give, have no direction to agree in, so their pairs may weigh 0.
        speaks = present & features.detach().ne(0).any(dim=2)
        pairs = self._pairs(scores).clamp(min=0).clamp(min=LEAST * both_present(speaks))
        return Harmony(pairs, scores.diagonal(dim1=1, dim2=2), pooled_shares(pairs, present))

    def _pairs(self, scores: Tensor) -> Tensor:
        if self.places is None:
            return (scores + scores.mT) / 2
        places = torch.tensor(self.places)
        first = (places[:, None] <= places).to(scores.device, non_blocking=True)
        return torch.where(first, scores, scores.mT)


def _places(modalities: Sequence[str], rows: Sequence[str]) -> list[int]:
    lacking = [m for m in modalities if m not in rows]
    if lacking:
        raise ConfigError([f"harmonizer.rows: {', '.join(lacking)} is not in it; give every modality a place"])
    return [list(rows).index(m) for m in modalities]


def alignment(features: Tensor, present: Tensor) -> Tensor:
    """The matrix S, ``b m m``, of features ``b m h``; rows of present modalities have length 1, others are zeros.

    Example:
        >>> alignment(torch.ones(1, 4, 8), torch.tensor([[True, True, True, True]]))[0, 0]  # all alike: 1 / sqrt(m)
        tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    features = features.masked_fill(~present[:, :, None], 0)
    pair = both_present(present)
    agreement = cosines(features, features)
    # the lowest number instead of -inf: a row of absent pairs must give zeros below, not NaN
    chosen = agreement.masked_fill(~pair, torch.finfo(agreement.dtype).min).softmax(dim=-1)
    return F.normalize((agreement * chosen).masked_fill(~pair, 0), dim=-1)
