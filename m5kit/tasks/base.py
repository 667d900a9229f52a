"""The contract of a pretext task: hide something, then score what the model made of the rest."""

from abc import ABC, abstractmethod

import torch
from torch import nn

from m5kit.structures import Hidden, Observation, TaskOutput, View


class Task(nn.Module, ABC):
    """A self-supervised objective.

    Constructors are keyword-only. Filled in by name where taken: ``dim`` (fused width), ``features`` (contrastive
    width h), ``modalities``; and, for a task with an argument ``modality``, ``observed`` (width e of that modality's
    observed features or None), ``predicted`` (width of what must be predicted or None) and ``vocabulary`` (its number
    of ids or None).

    Attributes:
        modality: the modality that :meth:`corrupt` hides tokens of, or None for a task that hides nothing.
        view: ``"masked"`` if the task reads the pass over corrupted tokens, ``"clean"`` if it needs an untouched one.
    """

    modality: str | None = None
    view: str = "masked"

    def corrupt(self, observation: Observation, generator: torch.Generator) -> tuple[Observation, Hidden]:
        """Hide tokens of ``self.modality``; only called for tasks that set it. The generator lives on the host."""
        raise NotImplementedError(f"{type(self).__name__} sets modality but hides nothing; override corrupt()")

    @abstractmethod
    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """Score the view. Zero, not NaN, when nothing was hidden or nobody has what the task needs."""

    def forward(self, view: View, hidden: Hidden | None = None) -> TaskOutput:
        """Same as :meth:`loss`."""
        return self.loss(view, hidden)
