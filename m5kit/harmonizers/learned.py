"""Weights learned with the network, the same for all items: the sane reading of SCALE's free parameters."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from m5kit.harmonizers.base import Harmonizer
from m5kit.nn.weighting import both_present, pooled_shares
from m5kit.ranges import Amount
from m5kit.registry import HARMONIZERS
from m5kit.structures import Harmony


@HARMONIZERS.register_module("learned")
class LearnedHarmonizer(Harmonizer):
    """One parameter a pair and one a modality, kept from shrinking: weights sum to how many there are.

    All weights are 1 at the start. A network that may choose its weights puts them where the loss is low, so
    :meth:`penalty` holds them near each other: with losses ``L`` of the pairs, ``entropy`` λ and nothing else moving,
    the weights settle at a softmax of ``-L / λ``.

    Args:
        modalities: the m columns.
        entropy: λ, how much a nat of lost entropy costs.
    """

    upper: Tensor

    def __init__(self, *, modalities: Sequence[str], entropy: Amount = 1.0) -> None:
        super().__init__()
        size = len(modalities)
        self.scores = nn.Parameter(torch.zeros(size, size))
        self.entropy = entropy
        self.register_buffer("upper", torch.triu_indices(size, size, offset=1), persistent=False)

    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """The learned weights where present; shapes as in :meth:`Harmonizer.forward`."""
        pair_scores, task_scores = self._scores()
        row, column = self.upper
        weights = torch.diag(_to_count(task_scores)).index_put((row, column), _to_count(pair_scores))
        weights = weights.index_put((column, row), _to_count(pair_scores))
        pairs = weights * both_present(present)
        return Harmony(pairs, _to_count(task_scores) * present, pooled_shares(pairs, present))

    def penalty(self) -> Tensor:
        """``entropy`` times how far the pairs and the tasks are, in nats, from counting alike; zero at the start."""
        pair_scores, task_scores = self._scores()
        return self.entropy * (_lost_entropy(pair_scores) + _lost_entropy(task_scores))

    def _scores(self) -> tuple[Tensor, Tensor]:
        row, column = self.upper
        return self.scores[row, column], self.scores.diagonal()


def _to_count(scores: Tensor) -> Tensor:
    """Weights that are 1 on average: a softmax, times how many there are."""
    return scores.softmax(dim=0) * len(scores)


def _lost_entropy(scores: Tensor) -> Tensor:
    """How far shares are from equal ones, in nats: ``log n - H(softmax(scores))``."""
    log_share = scores.log_softmax(dim=0)
    return math.log(max(len(scores), 1)) + (log_share.exp() * log_share).sum()
