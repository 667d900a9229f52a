"""Gates: each item decides, from all its modalities, how much each of them counts."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from m5kit.fusions.base import Fusion, add_context, presence, stack_summaries
from m5kit.nn.pooling import Context, weighted_sum
from m5kit.nn.transformer import init_weights
from m5kit.ranges import Count, Dropout
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens

LEAST = 1e-6
"""A weight below this counts as this, so that its logarithm is finite."""


@FUSIONS.register_module("gated")
class GatedFusion(Fusion):
    """Late fusion by gates, after Gated Multimodal Units (Arevalo et al. 2017, arXiv 1702.01992).

    A perceptron over all summaries scores each modality; a softmax over the present ones, with the harmonizer's weights
    as prior, makes the scores gates. The embedding is the sum of the projected summaries by gate. Projected once more
    it is added to every token, so a masked task can read the other modalities there and trains the gates.

    Args:
        modalities: the m columns.
        dim: width d.
        dropout: rate on the gates' hidden layer.
    """

    def __init__(self, *, modalities: tuple[str, ...], dim: Count, dropout: Dropout = 0.1) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        count = len(self.modalities)
        self.gate = nn.Sequential(nn.Linear(count * dim, dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(dim, count))
        self.project = nn.ModuleList(nn.Linear(dim, dim) for _ in self.modalities)
        self.context = Context(dim=dim)
        self.gate.apply(init_weights)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        summaries = stack_summaries(self, tokens, present)
        gates = self._gates(summaries, present, weights)
        projected = []
        for column, project in enumerate(self.project):
            projected.append(project(summaries[:, column]))
        embedding = weighted_sum(torch.stack(projected, dim=1), gates)
        fused = add_context(self.context, tokens, embedding)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, embedding, gates)

    def _gates(self, summaries: Tensor, present: Tensor, weights: Tensor) -> Tensor:
        # The harmonizer's weights enter as logarithms: a softmax then multiplies them with what the gate learns.
        scores: Tensor = self.gate(summaries.flatten(1)) + weights.clamp(min=LEAST).log()
        scores = scores.masked_fill(~present, torch.finfo(scores.dtype).min)
        return scores.softmax(1).masked_fill(~present, 0.0)
