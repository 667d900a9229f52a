"""The contract of a pretext task: hide something, then score what the model made of the rest.

What all tasks that hide tokens share stands here too, because parts of a family know their base alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from m5kit.nn.losses import no_loss
from m5kit.nn.masking import check_shares, hidden_tokens
from m5kit.structures import Hidden, Observation, TaskOutput, Tokens, View

Reads = Literal["fused", "encoded", "both"]
WeightOn = Literal["loss", "prediction", "both", "none"]


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
        filled_in: the names of these arguments; a config need not set them.
        least_modalities: how many modalities a model must have for the task to learn anything; a config with fewer is
            refused.
        modality: the modality that :meth:`corrupt` hides tokens of, or None for a task that hides nothing.
        view: ``"masked"`` if the task reads the pass over corrupted tokens, ``"clean"`` if it needs an untouched one.
        turns: of the tasks that set it, one a batch hides something, drawn at random; the others get no ``hidden``.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset(
        {"dim", "features", "modalities", "observed", "predicted", "vocabulary"}
    )
    least_modalities: ClassVar[int] = 1
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


class MaskedTask(Task):
    """Predicts what was hidden from one modality's tokens at the hidden places.

    Args:
        modality: the one it hides tokens of.
        dim: width d of the tokens.
        out: how many numbers it predicts a token.
        rate: share of units to predict.
        reads: predict from the ``fused`` tokens (paper), from the ``encoded`` ones (released code: the fusion learns
            next to nothing from the task then) or from ``both`` with a head and a loss each, which are added: masked
            modelling of one modality beside that of all, as FLAVA has it, over what was hidden once.
        weight_on: ``View.harmony.tasks`` multiplies the ``loss`` of an item's hidden tokens, their ``prediction``
            (released code), ``both`` (equation 3) or nothing (``none``).
        turns: hide something only in the task's turn: of all tasks that say so one is drawn for each batch, so that
            what one modality hides is seen in the others (UNITER's conditional masking).
    """

    modality: str

    def __init__(
        self, *, modality: str, dim: int, out: int, rate: float, reads: Reads, weight_on: WeightOn, turns: bool
    ) -> None:
        super().__init__()
        check_shares(rate=rate)
        self.modality, self.rate, self.reads = modality, rate, reads
        self.weight_on, self.turns = weight_on, turns
        self.head = _head(dim, out)
        self.early = _head(dim, out) if reads == "both" else None

    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """The loss at the hidden places; what ``both`` logs of the encoded tokens is called ``encoded_...``."""
        if hidden is None:
            return TaskOutput(no_loss(view.features))
        output = self._read(self.head, view.encoded if self.reads == "encoded" else view.fused.tokens, view, hidden)
        if self.early is None:
            return output
        early = self._read(self.early, view.encoded, view, hidden)
        logs = {**output.logs, **{f"encoded_{name}": value for name, value in early.logs.items()}}
        return TaskOutput(output.loss + early.loss, logs)

    @abstractmethod
    def score(self, prediction: Tensor, targets: Tensor, weight: Tensor | None) -> TaskOutput:
        """Compare ``n k`` predictions with what was hidden; ``weight`` (``n``) multiplies the loss of each."""

    def _read(self, head: nn.Module, tokens: Mapping[str, Tokens], view: View, hidden: Hidden) -> TaskOutput:
        read, items = hidden_tokens(tokens[self.modality].values, view.rows[self.modality], hidden.positions)
        prediction = head(read)
        weight = view.harmony.tasks[items, view.modalities.index(self.modality)]
        if self.weight_on in ("prediction", "both"):
            prediction = prediction * weight[:, None]
        return self.score(prediction, hidden.targets, weight if self.weight_on in ("loss", "both") else None)


def _head(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim), nn.Linear(dim, out))
