"""What all masked modelling shares: where predictions are read, and where the harmonizer's weight acts."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from m5kit.nn.losses import no_loss
from m5kit.nn.masking import check_shares, hidden_tokens
from m5kit.structures import Hidden, TaskOutput, Tokens, View
from m5kit.tasks.base import Task

Reads = Literal["fused", "encoded", "both"]
WeightOn = Literal["loss", "prediction", "both", "none"]


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
