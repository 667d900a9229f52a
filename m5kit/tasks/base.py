"""The contract of a pretext task: hide something, then score what the model made of the rest.

What all tasks that hide tokens share stands here too, because parts of a family know their base alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from m5kit.nn.draws import Draws
from m5kit.nn.losses import no_loss
from m5kit.nn.masking import check_shares, hidden_tokens
from m5kit.ranges import Count, Share
from m5kit.structures import Facts, Hidden, Mean, Observation, TaskOutput, Tokens, View

Reads = Literal["fused", "encoded", "both"]
WeightOn = Literal["loss", "prediction", "both", "none"]


@dataclass(frozen=True, slots=True)
class Swap:
    """Made-up items: n of a batch, each with one modality of another item. All on the host.

    Attributes:
        items: ``n``, positions of the items.
        columns: ``n``, the modality that is not the item's own.
        donors: ``n``, positions of the items that it is taken from; of a task that ``gathers``, among those of all
            processes.
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
        turns: among the tasks that set it, only one hides something in an item; it is drawn at random from those whose
            modality the item has.
        augments_twice: the task reads ``View.again``: every training item is then augmented a second time, and encoded.
        compares_items: the loss of an item depends on the others in its batch, as that of a contrastive task.
        features_are_enough: the task compares items and reads nothing of a view except ``present``, ``rows``,
            ``features``, ``again``, ``targets`` and ``harmony.pairs``. A step in chunks (``schedule.chunk``) then keeps
            nothing else.
        gathers: the task compares items of all processes, which it fetches from ``View.peers``. :meth:`count` is
            then given the presence of all of them, without observations, and :meth:`loss` gives the part of the
            process's own items; :meth:`swap`, if there is one, always gives a :class:`Swap`, perhaps of no items.
            Without it, items are compared with those of the same process.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset(
        {"dim", "features", "modalities", "observed", "predicted", "vocabulary"}
    )
    least_modalities: ClassVar[int] = 1
    modality: str | None = None
    view: str = "masked"
    turns: bool = False
    compares_items: bool = False
    features_are_enough: bool = False
    gathers: bool = False
    augments_twice: bool = False

    def corrupt(self, observation: Observation, draws: Draws) -> tuple[Observation, Hidden]:
        """Hide tokens of ``self.modality``; only called for tasks that set it.

        Args:
            observation: of the p items that have the modality.
            draws: random numbers of these items, so that an item is hidden alike in whatever batch it comes.
        """
        raise NotImplementedError(f"{type(self).__name__} sets modality but hides nothing; override corrupt()")

    def swap(self, view: View, draws: Draws) -> Swap | None:
        """Made-up items that the task must see fused, as ``View.mismatched`` of :meth:`loss`; None for most tasks.

        They cost one pass of the fusion, none of the encoders. ``draws`` are those of the b items.
        """
        return None

    def shown(self, view: View, draws: Draws) -> Tensor | None:
        """The modalities ``b m`` (bool, host) that each item keeps in ``View.partial``; None for most tasks.

        It costs one pass of the fusion, none of the encoders. ``draws`` are those of the b items.
        """
        return None

    def count(self, facts: Facts, hidden: Hidden | None) -> float:
        """How many things :meth:`loss` sums over in this micro-batch; 0 means that there is nothing to learn.

        It is known before the forward pass and on the host. The step adds the counts of all its micro-batches and
        divides the sums by them once, so that items weigh the same however they are cut into batches. The default is
        for a loss that is a mean: micro-batches then count alike, if anything was hidden for a task that hides.

        Args:
            facts: presence and lengths of the micro-batch.
            hidden: what :meth:`corrupt` hid; None for a task that hides nothing, or if nobody has the modality.
        """
        if self.modality is None:
            return 1.0
        return float(hidden is not None and len(hidden.positions) > 0)

    def units(self) -> Sequence[nn.Module]:
        """Large modules that :meth:`loss` calls once each, in this order, whenever there is something to learn.

        Of a model that is shared out in pieces (``parallel.shard``) they are gathered only for their call, and nothing
        else may read their parameters. None by default: then every process holds all of the task.
        """
        return ()

    @abstractmethod
    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """Score the view: a sum over what :meth:`count` counts.

        Zero, not NaN, when nothing was hidden or nobody has what the task needs.
        """

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
        turns: hide something only in the task's turn: of all tasks that say so one is drawn for each item, so that
            what one modality hides is seen in the others (UNITER's conditional masking).
    """

    modality: str

    def __init__(
        self, *, modality: str, dim: Count, out: int, rate: Share, reads: Reads, weight_on: WeightOn, turns: bool
    ) -> None:
        super().__init__()
        check_shares(rate=rate)
        self.modality, self.rate, self.reads = modality, rate, reads
        self.weight_on, self.turns = weight_on, turns
        self.head = _head(dim, out)
        self.early = _head(dim, out) if reads == "both" else None

    def units(self) -> Sequence[nn.Module]:
        """Its heads, which are as wide as a vocabulary."""
        return [self.head] if self.early is None else [self.head, self.early]

    def count(self, facts: Facts, hidden: Hidden | None) -> float:
        """The hidden tokens."""
        return 0.0 if hidden is None else float(len(hidden.positions))

    def loss(self, view: View, hidden: Hidden | None) -> TaskOutput:
        """The sum of losses at the hidden places; ``both`` logs those of the encoded tokens as ``encoded_...``."""
        if hidden is None:
            return TaskOutput(no_loss(view.features))
        # Encoded tokens come from before the fusion: nothing of another modality can help there.
        output = self._read(self.head, view.encoded if self.reads == "encoded" else view.fused.tokens, view, hidden)
        if self.early is None:
            return output
        early = self._read(self.early, view.encoded, view, hidden)
        logs: dict[str, Tensor | Mean] = dict(output.logs)
        for name, value in early.logs.items():
            logs[f"encoded_{name}"] = value
        return TaskOutput(output.loss + early.loss, logs)

    @abstractmethod
    def score(self, prediction: Tensor, targets: Tensor, weight: Tensor | None) -> TaskOutput:
        """Compare ``n k`` predictions with what was hidden; ``weight`` (``n``) multiplies the loss of each.

        Returns:
            The sum over the n tokens, and means for the log.
        """

    def _read(self, head: nn.Module, tokens: Mapping[str, Tokens], view: View, hidden: Hidden) -> TaskOutput:
        # Only hidden places go through the head: its output is as wide as a vocabulary, and most tokens are not hidden.
        read, items = hidden_tokens(tokens[self.modality].values, view.rows[self.modality], hidden.positions)
        prediction = head(read)
        weight = view.harmony.tasks[items, view.modalities.index(self.modality)]
        if self.weight_on in ("prediction", "both"):
            prediction = prediction * weight[:, None]
        return self.score(prediction, hidden.targets, weight if self.weight_on in ("loss", "both") else None)


def _head(dim: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.LayerNorm(dim), nn.Linear(dim, out))
