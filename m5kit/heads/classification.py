"""Classification from the pooled vectors of all modalities."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from m5kit.heads.base import Head
from m5kit.nn.losses import weighted_cross_entropy
from m5kit.registry import HEADS
from m5kit.structures import Fused


@HEADS.register_module("classification")
class ClassificationHead(Head):
    """Two linear layers over the concatenated pooled vectors; absent modalities are zeros there.

    The hidden layer is the item's embedding after fine-tuning. As in SCALE's released code no nonlinearity lies between
    the layers unless ``activation`` says so: the hidden layer is then a linear bottleneck.

    Args:
        dim: width d of a pooled vector.
        modalities: the m columns.
        classes: number of classes.
        hidden: width h of the hidden layer.
        activation: what follows the hidden layer.
        dropout: between the layers.
        label_smoothing: share of a target that is spread over all classes.
    """

    classifies = True

    def __init__(
        self,
        *,
        dim: int,
        modalities: Sequence[str],
        classes: int,
        hidden: int = 1024,
        activation: Literal["none", "relu", "gelu"] = "none",
        dropout: float = 0.1,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.hidden = nn.Linear(len(modalities) * dim, hidden)
        self.activation = {"none": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU}[activation]()
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(hidden, classes)

    def forward(self, fused: Fused) -> Tensor:
        """Logits ``b k``."""
        return self.classes(self.dropout(self.embed(fused)))  # type: ignore[no-any-return]

    def embed(self, fused: Fused) -> Tensor:
        """The hidden layer ``b h``."""
        return self.activation(self.hidden(fused.pooled.flatten(1)))  # type: ignore[no-any-return]

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Sum of the cross entropies of the items that have a label."""
        return weighted_cross_entropy(prediction, target, label_smoothing=self.label_smoothing)

    def count(self, target: Tensor) -> float:
        """The items that have a label."""
        return float((target >= 0).sum())
