"""Concatenation: the summaries of all modalities, side by side, through a perceptron."""

from collections.abc import Mapping

from torch import Tensor, nn

from m5kit.fusions.base import Fusion
from m5kit.nn.pooling import Context, present_columns, stack_columns
from m5kit.nn.transformer import init_weights
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

    def __init__(self, *, modalities: tuple[str, ...], dim: int, hidden: float = 4.0, dropout: float = 0.1) -> None:
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
        present = present_columns({m: t.lengths for m, t in tokens.items()}, self.modalities, len(weights))
        present = present.to(weights.device, non_blocking=True)
        summaries = stack_columns({m: t.summary for m, t in tokens.items()}, self.modalities, present, self.dim)
        count = present.sum(1, keepdim=True)
        embedding = self.mlp((summaries * (weights * count)[..., None]).flatten(1)).masked_fill(count == 0, 0.0)
        fused = {m: Tokens(self.context(t.values, t.mask, embedding), t.lengths) for m, t in tokens.items()}
        pooled = stack_columns({m: t.summary for m, t in fused.items()}, self.modalities, present, self.dim)
        return Fused(fused, pooled, embedding, weights)
