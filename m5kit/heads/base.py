"""The contract of a head: a small network on the fused view for a downstream task."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from m5kit.structures import Fused


class Head(nn.Module, ABC):
    """Reads the fused view and is trained with labels.

    Constructors are keyword-only. These arguments are filled in where the constructor takes them: ``dim``,
    ``modalities``, ``classes`` (the number of values that the label has in the training split), ``class_names`` (these
    values) and ``class_counts`` (the training items of each; None when a trained head is rebuilt, so what follows from
    them belongs in a buffer).

    Attributes:
        filled_in: these names; a config need not set them.
        classifies: whether a prediction is one score for each class, ``b classes``; the class with the best score is
            then the model's answer in an evaluation.
        gathers: the loss compares items, with those of all processes: :meth:`count` is given the targets of all of
            them, and :meth:`loss_among` gives the part of the process's own items.
    """

    classifies: ClassVar[bool] = False
    gathers: ClassVar[bool] = False
    filled_in: ClassVar[frozenset[str]] = frozenset({"dim", "modalities", "classes", "class_names", "class_counts"})

    @abstractmethod
    def forward(self, fused: Fused) -> Tensor:
        """Prediction ``b ...``."""

    @abstractmethod
    def embed(self, fused: Fused) -> Tensor:
        """The vector ``b h`` that stands for an item after fine-tuning."""

    @abstractmethod
    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The sum, a scalar, over what :meth:`count` counts; zero if no item has a label (a target of 0 or more)."""

    def loss_among(self, prediction: Tensor, target: Tensor, own: Tensor) -> Tensor:
        """The part of :meth:`loss` that belongs to the items ``own`` (``q``); called only if the head ``gathers``.

        Args:
            prediction: ``B ...``, of the items of all processes.
            target: ``B``.
            own: the places of this process's items.
        """
        raise NotImplementedError(f"{type(self).__name__} sets gathers; override loss_among()")

    def count(self, target: Tensor) -> float:
        """The number of things that :meth:`loss` sums over; 0 if there is nothing to learn.

        The step divides by the count of all its micro-batches, so that labelled items weigh the same however they are
        cut into batches. The default is for a loss that is a mean: every micro-batch with a label counts as one.

        Args:
            target: class numbers ``b`` on the host, -1 where an item has no label.
        """
        # The target is still on the host, so that reading a number of it does not wait for the device.
        return float((target >= 0).any())
