"""The contract of a pretext task: hide something, then score what the model made of the rest."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from m5kit.structures import Hidden, Observation, TaskOutput, View


@dataclass(frozen=True, slots=True)
class Swap:
    """Made-up items: n of a batch, each with one modality of another item. All on the host.

    Attributes:
        items: ``n``, positions of the items.
        columns: ``n``, the modality that is not the item's own.
        donors: ``n``, positions of the items that it is taken from.
    """

    items: Tensor
    columns: Tensor
    donors: Tensor

    def sources(self, column: int) -> Tensor:
        """``n``, the items from which a modality of the made-up items comes."""
        return torch.where(self.columns == column, self.donors, self.items)


class Task(nn.Module, ABC):
    """A self-supervised objective.

    Constructors are keyword-only. Filled in by name where taken: ``dim`` (fused width), ``features`` (contrastive
    width h), ``modalities``; and, for a task with an argument ``modality``, ``observed`` (width e of that modality's
    observed features or None), ``predicted`` (width of what must be predicted or None) and ``vocabulary`` (its number
    of ids or None).

    Attributes:
        modality: the modality that :meth:`corrupt` hides tokens of, or None for a task that hides nothing.
        view: ``"masked"`` if the task reads the pass over corrupted tokens, ``"clean"`` if it needs an untouched one.
        turns: of the tasks that set it, one a batch hides something, drawn at random; the others get no ``hidden``.
    """

    modality: str | None = None
    view: str = "masked"
    turns: bool = False

    def corrupt(self, observation: Observation, generator: torch.Generator) -> tuple[Observation, Hidden]:
        """Hide tokens of ``self.modality``; only called for tasks that set it. The generator lives on the host."""
        raise NotImplementedError(f"{type(self).__name__} sets modality but hides nothing; override corrupt()")

    def swap(self, view: View, generator: torch.Generator) -> Swap | None:
        """Made-up items that the task must see fused, as ``View.mismatched`` of :meth:`loss`; None for most tasks.

        They cost one pass of the fusion, none of the encoders. The generator lives on the host.
        """
        return None

    @abstractmethod
    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """Score the view. Zero, not NaN, when nothing was hidden or nobody has what the task needs."""

    def forward(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Same as :meth:`loss`."""
        return self.loss(view, hidden)
