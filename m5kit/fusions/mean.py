"""The weighted mean of the modalities: no fusion could cost less."""

from collections.abc import Mapping

from torch import Tensor

from m5kit.fusions.base import Fusion, add_context, presence, stack_summaries
from m5kit.nn.pooling import Context, weighted_sum
from m5kit.ranges import Count
from m5kit.registry import FUSIONS
from m5kit.structures import Fused, Tokens


@FUSIONS.register_module("mean")
class MeanFusion(Fusion):
    """``e = sum_m w_m s_m`` over the summaries s of the present modalities, w from the harmonizer.

    The least a fusion can be, and what the others must beat: modalities meet only in the mean, so nothing that takes
    two of them to see is in the embedding, which has no parameters. The mean, projected, is added to every
    token, so a masked task can read the other modalities there and trains the encoders' summaries.

    Args:
        modalities: the m columns.
        dim: width d.
    """

    def __init__(self, *, modalities: tuple[str, ...], dim: Count) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.dim = dim
        self.context = Context(dim=dim)

    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality; ``weights`` is ``b m``."""
        present = presence(self, tokens, weights)
        summaries = stack_summaries(self, tokens, present)
        embedding = weighted_sum(summaries, weights)
        fused = add_context(self.context, tokens, embedding)
        pooled = stack_summaries(self, fused, present)
        return Fused(fused, pooled, embedding, weights)
