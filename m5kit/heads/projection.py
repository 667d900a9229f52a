"""Embeddings for retrieval, shaped by labels: items of a class lie together."""

from torch import Tensor, nn
from torch.nn import functional as F

from m5kit.heads.base import Head
from m5kit.nn.losses import repeated, supervised_contrastive
from m5kit.ranges import Count, Positive
from m5kit.registry import HEADS
from m5kit.structures import Fused


@HEADS.register_module("projection")
class ProjectionHead(Head):
    """An MLP from the fused embedding to the unit sphere, trained with the supervised contrastive loss.

    Takes classes that it never saw in training, which ``classification`` cannot; needs batches in which classes repeat.

    Args:
        dim: width d of the fused embedding.
        width: width h of the projection.
        temperature: divides the cosines.

    Source: Khosla et al., Supervised Contrastive Learning (2020).
    """

    def __init__(self, *, dim: Count, width: Count = 256, temperature: Positive = 0.1) -> None:
        super().__init__()
        self.temperature = temperature
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, width))

    def forward(self, fused: Fused) -> Tensor:
        """Unit vectors ``b h``."""
        return self.embed(fused)

    def embed(self, fused: Fused) -> Tensor:
        """Unit vectors ``b h``."""
        return F.normalize(self.layers(fused.embedding), dim=-1)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Sum over the items that share their class with another one in the batch."""
        return supervised_contrastive(prediction, target, self.temperature)

    def count(self, target: Tensor) -> float:
        """The items that share their class with another one in the batch."""
        return float(repeated(target).sum())
