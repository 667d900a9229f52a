"""The contract of a fusion: the tokens of all modalities become one view of the item."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from m5kit.structures import Fused, Tokens


class Fusion(nn.Module, ABC):
    """Mixes the modalities that an item has.

    Constructors are keyword-only; ``modalities`` (the m columns, sorted) and ``dim`` are filled in by name.

    Attributes:
        modalities: the m columns of ``weights``, ``Fused.pooled`` and ``Fused.weights``.
        dim: width d.
    """

    modalities: tuple[str, ...]
    dim: int

    @abstractmethod
    def forward(self, tokens: Mapping[str, Tokens], weights: Tensor) -> Fused:
        """Fuse ``b l d`` tokens by modality.

        Args:
            tokens: by modality, one row an item, length 0 where absent. A modality that nobody in the batch has may
                be a missing key.
            weights: ``b m``, how much each modality should count in the embedding: sums to 1 over the present ones,
                0 where absent. A fusion that learns weights of its own multiplies them in.
        """
