"""The contract of a head: a small readout of the fused view for a downstream task."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from m5kit.structures import Fused


class Head(nn.Module, ABC):
    """Reads the fused view and is trained with labels.

    Constructors are keyword-only. Filled in by name where taken: ``dim``, ``modalities``, ``classes`` (how many values
    the label has in the training split).

    Attributes:
        filled_in: these names; a config need not set them.
        classifies: whether a prediction is one score for each class, ``b classes``; an evaluation then takes the best
            one for the model's answer.
    """

    classifies: ClassVar[bool] = False
    filled_in: ClassVar[frozenset[str]] = frozenset({"dim", "modalities", "classes"})

    @abstractmethod
    def forward(self, fused: Fused) -> Tensor:
        """Prediction ``b ...``."""

    @abstractmethod
    def embed(self, fused: Fused) -> Tensor:
        """The vector ``b h`` that stands for an item after fine-tuning."""

    @abstractmethod
    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Scalar loss; items with target -1 do not count, and none at all gives zero."""
