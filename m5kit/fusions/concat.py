"""Concatenation: the summaries of all modalities, side by side, through a perceptron."""

from collections.abc import Mapping

from torch import Tensor, nn

from m5kit.fusions.base import Fusion, add_context, presence, stack_summaries
from m5kit.nn.pooling import Context
from m5kit.nn.transformer import init_weights
from m5kit.ranges import Count, Dropout, Positive
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("concat")
class ConcatFusion(Fusion):
    """Late fusion by concatenation, the baseline that SCALE compares itself with.

    The slot of an absent modality holds zeros; the others are multiplied by weight times the number of present
    modalities, which is 1 for equal weights. The embedding, projected, is added to every token, so a masked task can
    read the other modalities there and trains the perceptron.

    Args:
        modalities: the m columns.
        dim: width d.
        hidden: hidden width of the perceptron over d.
        dropout: rate on its hidden layer.
    """

    def __init__(
        self, *, modalities: tuple[str, ...], dim: Count, hidden: Positive = 4.0, dropout: Dropout = 0.1
    ) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        inner = int(dim * hidden)
        self.mlp = nn.Sequential(
            nn.Linear(len(self.modalities) * dim, inner), nn.GELU(), nn.Dropout(dropout), nn.Linear(inner, dim)
        )
        self.context = Context(dim=dim)
        self.mlp.apply(init_weights)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        summaries = stack_summaries(self, tokens, present)
        count = present.sum(1, keepdim=True)
        # Scaled by the count, so that an item with all modalities alike enters the perceptron at its natural size.
        embedding = self.mlp((summaries * (weights * count)[..., None]).flatten(1)).masked_fill(count == 0, 0.0)
        fused = add_context(self.context, tokens, embedding)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, embedding, weights)
