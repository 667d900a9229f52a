"""The contract of a harmonizer: how much each modality, and each pair of modalities, of an item counts."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from m5kit.structures import Harmony


class Harmonizer(nn.Module, ABC):
    """Weighs modalities (the matrix S of SCALE, CVPR 2022, section 4.3).

    Attributes:
        filled_in: names of the arguments that m5kit gives, so that a config need not: the model's ``modalities``.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"modalities"})

    @abstractmethod
    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """Weigh the modalities of each item.

        Args:
            features: ``b m h``; anything where absent.
            present: ``b m`` bool on the features' device.
        """

    def observe(self, features: Tensor, present: Tensor) -> None:
        """Learn from a training batch without a gradient, running means for example; nothing by default.

        Weights may depend on the batch in this way only: :meth:`forward` treats each item alike, whatever the others.

        Args:
            features: ``b m h`` contrastive features without gradient; zeros where absent.
            present: ``b m`` bool on the features' device.
        """

    def confidence(self, present: Tensor) -> Tensor:
        """How much each modality counts in the vectors of items, ``b m`` from 0 to 1; by default all count alike.

        Give less than 1 only where it is sure: what is left out of a vector cannot be searched for.

        Args:
            present: ``b m`` bool on the features' device; what is absent gets 0, what is present more than 0.
        """
        return present.float()

    def penalty(self) -> Tensor:
        """A term for the loss that keeps learned weights from collapsing; zero for those that cannot."""
        return torch.zeros(())
