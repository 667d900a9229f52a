"""Classification from the pooled vectors of all modalities."""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.heads.base import Head
from m5kit.nn.losses import weighted_cross_entropy
from m5kit.ranges import Count, Dropout
from m5kit.registry import HEADS
from m5kit.signatures import suggestion
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
        class_weights: ``balanced`` gives all classes the same weight in sum, whatever their number of training items;
            a mapping gives the weight of an item by class, 1 where it names none.
        class_names: of the k classes; needed with a mapping.
        class_counts: training items of each class; needed with ``balanced``.

    Raises:
        ConfigError: ``class_weights`` names an unknown class.
    """

    classifies = True
    class_weights: Tensor | None

    def __init__(
        self,
        *,
        dim: Count,
        modalities: Sequence[str],
        classes: Count,
        hidden: Count = 1024,
        activation: Literal["none", "relu", "gelu"] = "none",
        dropout: Dropout = 0.1,
        label_smoothing: Dropout = 0.0,
        class_weights: Literal["balanced", "none"] | dict[str, float] = "none",
        class_names: Sequence[str] = (),
        class_counts: Sequence[Count] | None = None,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.hidden = nn.Linear(len(modalities) * dim, hidden)
        self.activation = {"none": nn.Identity, "relu": nn.ReLU, "gelu": nn.GELU}[activation]()
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(hidden, classes)
        weights = None
        if isinstance(class_weights, Mapping):
            weights = _given_weights(class_weights, class_names)
        elif class_weights == "balanced":
            weights = balanced_weights(class_counts or [1] * classes)
        # A checkpoint holds them, so that a rebuilt head needs no training items.
        self.register_buffer("class_weights", weights)

    def forward(self, fused: Fused) -> Tensor:
        """Logits ``b k``."""
        return self.classes(self.dropout(self.embed(fused)))  # type: ignore[no-any-return]

    def embed(self, fused: Fused) -> Tensor:
        """The hidden layer ``b h``."""
        # The pooled vectors and not the embedding: concatenated, a modality that the fusion weighs low is still there.
        return self.activation(self.hidden(fused.pooled.flatten(1)))  # type: ignore[no-any-return]

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Sum of the cross entropies of the items that have a label, each times the weight of its class."""
        # Where there is no label the weight is another class's, and the cross entropy is 0.
        weights = None if self.class_weights is None else self.class_weights[target.clamp(min=0)]
        return weighted_cross_entropy(prediction, target, weights, label_smoothing=self.label_smoothing)

    def count(self, target: Tensor) -> float:
        """The items that have a label."""
        return float((target >= 0).sum())


def balanced_weights(counts: Sequence[int]) -> Tensor:
    """Weight of an item of each class, ``k``, with which all classes that occur weigh the same; the mean item has 1.

    Args:
        counts: items of each of the k classes; a class without any has weight 1.

    Example:
        >>> balanced_weights([30, 10, 0])
        tensor([0.6667, 2.0000, 1.0000])
    """
    found = torch.tensor(counts, dtype=torch.float32)
    occurring = int((found > 0).sum())
    # Absent classes must not take a share of the sum, nor divide by 0.
    weights = found.sum() / (max(occurring, 1) * found.clamp(min=1))
    return torch.where(found > 0, weights, 1.0)


def _given_weights(given: Mapping[str, float], names: Sequence[str]) -> Tensor:
    unknown = [name for name in given if name not in names]
    if unknown:
        few = f"the classes are {', '.join(names[:10])}{', ...' if len(names) > 10 else ''}"
        raise ConfigError(
            [f"head.class_weights: no class is named {unknown[0]!r}; {suggestion(unknown[0], names) or few}"]
        )
    return torch.tensor([float(given.get(name, 1.0)) for name in names])
