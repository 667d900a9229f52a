"""Weights from how well modalities find each other among the other items: SCALE's idea, measured against chance."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.errors import ConfigError
from m5kit.harmonizers.base import Harmonizer
from m5kit.nn.kept import Kept
from m5kit.nn.weighting import both_present
from m5kit.ranges import Positive, Share
from m5kit.registry import HARMONIZERS
from m5kit.structures import Harmony

MOST = 128
"""Items of a batch that the statistics are taken from; their number grows with the square."""

SETTLED = 0.5
"""Strength of the best pair from which on weights follow the statistics alone."""

SHARPNESS = 4
"""How steeply confidence falls around ``doubt``: noise that is learned by heart reaches a sixth of the best d' or so, a
weak but true modality half of it."""

LEAST, LEAST_OF_ITEM = 0.01, 0.1
"""Of the confidence in the best modality; of a modality's share where it agrees with nothing else of its item."""


@HARMONIZERS.register_module("agreement")
class AgreementHarmonizer(Harmonizer):
    """Weights from how much more alike the modalities of one item are than those of *different* items.

    The cosine of two features of one item says little by itself: features of different items are alike too (.25 to .43
    in trained models), and noise hides under that. So running means are kept, for each pair of modalities, of the
    cosine within an item (``own``) and between items (``other``, with its deviation). Their distance in deviations is
    d' = (own - other) / deviation, 0 for a modality that tells nothing about the others.

    A pair's weight is ``floor`` plus the rest in proportion to its strength d' / (d' + half), relative to the best
    pair's. The strength saturates, so a pair that is easy gains little over one that is merely sound, and nothing that
    is present falls below the floor: a weak modality keeps learning. While no pair is well above chance, all count
    alike. A modality's reliability, which weighs its masked task, is the weight of its best pair.

    Shares in embeddings are another matter than the weights of losses: what agrees less may know what the others do
    not, and only what agrees with nothing is to be left out. A share is the confidence in a modality: with r, its
    best d' relative to the best of all, it is r^4 / (r^4 + doubt^4), so near 1 for everything but noise. With
    ``per_item`` it also falls for an item whose modality agrees no better with the others than another item's would.

    Args:
        modalities: the m columns.
        floor: the least weight of what is present in a loss, as a share of the largest.
        half: the d' at which a pair has half of the full strength.
        doubt: the d', relative to that of the best pair, at which a modality has half of the full confidence.
        momentum: share of a batch in the running means.
        per_item: let an item's own agreement move the shares in its embedding.

    Raises:
        ConfigError: ``floor`` or ``momentum`` is not in (0, 1], or ``half`` or ``doubt`` not above 0.

    Source: after Dong et al., M5Product (CVPR 2022), section 4.3; d' is that of Green and Swets, Signal
        Detection Theory and Psychophysics (1966).
    """

    own: Tensor
    other: Tensor
    deviation: Tensor
    counted: Tensor

    def __init__(
        self,
        *,
        modalities: Sequence[str],
        floor: Share = 0.5,
        half: Positive = 0.5,
        doubt: Positive = 0.3,
        momentum: Share = 0.05,
        per_item: bool = False,
    ) -> None:
        super().__init__()
        if not (0 < floor <= 1 and 0 < momentum <= 1 and half > 0 and doubt > 0):
            raise ConfigError(
                [
                    "harmonizer 'agreement': expected floor and momentum above 0 and at most 1, and half and doubt "
                    f"above 0, got floor={floor}, momentum={momentum}, half={half}, doubt={doubt}"
                ]
            )
        self.floor, self.midpoint, self.doubt = floor, half, doubt
        self.momentum, self.per_item = momentum, per_item
        size = len(modalities)
        for name in ("own", "other", "deviation", "counted"):
            self.register_buffer(name, torch.zeros(size, size))
        self._kept: Kept[tuple[Tensor, Tensor, Tensor]] = Kept()

    @torch.no_grad()
    def observe(self, features: Tensor, present: Tensor) -> None:
        """Take ``b m h`` features of a training batch into the running means."""
        features, present = normalize(features[:MOST].float(), dim=-1), present[:MOST]
        # Under autocast the product would be rounded to bf16, and so would the running means.
        with torch.autocast(features.device.type, enabled=False):
            cosine = torch.einsum("bih,cjh->ijbc", features, features)
        there = present.T[:, None, :, None] & present.T[None, :, None, :]
        same = torch.eye(len(features), dtype=torch.bool, device=features.device)
        own, pairs = _mean(cosine, there & same)
        other, crossed = _mean(cosine, there & ~same)
        square, _ = _mean(cosine.square(), there & ~same)
        # Clamped, as E[x^2] - E[x]^2 may come out below 0 by rounding.
        deviation = (square - other.square()).clamp(min=0).sqrt()
        # a pair of modalities that nobody has, or a single item, says nothing about chance
        known = (pairs > 0) & (crossed > 1)
        # A plain mean over the first batches, then a running one, so that the zeros of the start have no share in it.
        rate = (1 / (self.counted + 1)).clamp(min=self.momentum) * known
        for kept, now in ((self.own, own), (self.other, other), (self.deviation, deviation)):
            kept.lerp_(now, rate)
        self.counted += known

    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """Weigh by the running means; shapes as in :meth:`Harmonizer.forward`."""
        weights, reliability, _ = self._kept((self.own, self.other, self.deviation), self._weigh)
        shares = self.confidence(present)
        if self.per_item:
            shares = shares * self._item_agreement(features, present)
        # An item with nothing has a sum of 0.
        shares = shares / shares.sum(dim=1, keepdim=True).clamp(min=torch.finfo(shares.dtype).tiny)
        return Harmony(weights * both_present(present), reliability * present, shares)

    def pair_weights(self) -> Tensor:
        """``m m``, symmetric: from ``floor`` to 1, and 1 where nothing is known yet."""
        strength = self._strength()
        best = strength.max()
        # Before anything is known all strengths are 0, and ones take the place of these weights below.
        weights = self.floor + (1 - self.floor) * strength / best.clamp(min=1e-6)
        return _with_diagonal(_once_known(weights, best), 1)

    def confidence(self, present: Tensor) -> Tensor:
        """Next to nothing for what agrees with nothing, else near 1; shapes as in :meth:`Harmonizer.confidence`."""
        _, _, confidence = self._kept((self.own, self.other, self.deviation), self._weigh)
        return confidence * present

    def _weigh(self) -> tuple[Tensor, Tensor, Tensor]:
        """The weights of pairs ``m m``, the reliability ``m`` and the confidence ``m`` of a modality that is there."""
        weights = self.pair_weights()
        # Without the diagonal, as a modality always agrees with itself.
        reliability = (weights - torch.diag(weights.diagonal())).amax(dim=1)
        if len(reliability) == 1:
            reliability = torch.ones_like(reliability)  # a single modality has no other to agree with
        best = self._distance().amax(dim=1)
        relative = (best / best.max().clamp(min=1e-6)) ** SHARPNESS
        confidence = relative / (relative + self.doubt**SHARPNESS)
        # Never 0, or an item that has this modality alone would have nothing.
        confidence = (confidence / confidence.max().clamp(min=1e-6)).clamp(min=LEAST)
        return weights, reliability, _once_known(confidence, self._strength().max())

    def _distance(self) -> Tensor:
        """The d' of each pair, ``m m``; 0 on the diagonal."""
        # The deviation is 0 until a batch was seen; less agreement within items than between them counts as none.
        distance = (self.own - self.other) / self.deviation.clamp(min=1e-6)
        return _with_diagonal(distance.clamp(min=0), 0)

    def _strength(self) -> Tensor:
        distance = self._distance()
        return distance / (distance + self.midpoint)

    @torch.no_grad()
    def _item_agreement(self, features: Tensor, present: Tensor) -> Tensor:
        """``b m`` to 1: where each item's best pair lies between ``other`` and ``own``."""
        unit = normalize(features.masked_fill(~present[..., None], 0).float(), dim=-1)
        cosine = unit @ unit.mT
        # where own and other are hardly apart, a single item's cosine is noise: a deviation is the least distance
        distance = torch.maximum(self.own - self.other, self.deviation).clamp(min=1e-6)
        place = ((cosine - self.other) / distance).clamp(0, 1)
        others = both_present(present) & ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
        place = torch.where(others & (self.counted > 0), place, 0)
        agreement = LEAST_OF_ITEM + (1 - LEAST_OF_ITEM) * place.amax(dim=2)
        # nothing to compare with, or nothing known: no evidence against it
        blind = ~(others & (self.counted > 0)).any(dim=2)
        return torch.where(blind, 1.0, agreement)


def _with_diagonal(matrix: Tensor, value: float) -> Tensor:
    """``m m`` with one number on the diagonal; by a mask, because ONNX knows no writing in place."""
    return matrix.masked_fill(torch.eye(matrix.shape[0], dtype=torch.bool, device=matrix.device), value)


def _once_known(weights: Tensor, best: Tensor) -> Tensor:
    """Ones while no pair has a strength, the weights from SETTLED on."""
    certain = (best / SETTLED).clamp(max=1)
    return (1 - certain) + certain * weights


def _mean(values: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Means and counts ``m m`` of the chosen ``m m b b``."""
    count = chosen.sum(dim=(2, 3))
    return (values * chosen).sum(dim=(2, 3)) / count.clamp(min=1), count
