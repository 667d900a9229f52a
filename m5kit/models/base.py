"""The contract of a model: what training, evaluation and embedding ask of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor, nn

from m5kit.api import Hidden, Mean, Observation, TaskOutput, View
from m5kit.models.backbone import Backbone
from m5kit.models.embedder import Embedding, Take, embedding_of, mean_by_item
from m5kit.models.spaces import Spaces
from m5kit.structures import ALONE, Batch, Peers

Counts = Mapping[str, float]
"""By objective, over how many things a loss sums; 0 where there is nothing to learn."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """A part of a step's items, ready for its forward pass: on the device, with all random numbers drawn.

    Attributes:
        batch: the items.
        counts: by objective, what this part counts.
        seed: of the run; together with ``Batch.positions`` it decides all that is drawn.
        observations: by view (``masked``, ``clean``) and modality, what is encoded.
        hidden: by task, what it hid.
        peers: the other processes that have items of this micro-batch.
        shared: counts over all of them; those of this one where it is alone.
        labels: ``b`` on the host, the class numbers that a head learns from; None if there is none.
    """

    batch: Batch
    counts: Counts
    seed: int
    observations: Mapping[str, Mapping[str, Observation]] = field(default_factory=dict)
    hidden: Mapping[str, Hidden] = field(default_factory=dict)
    peers: Peers = ALONE
    shared: Counts = None  # type: ignore[assignment]  # filled in below: it is usually ``counts`` itself
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        if self.shared is None:
            object.__setattr__(self, "shared", self.counts)


@dataclass(frozen=True, slots=True)
class PartialLoss:
    """What a micro-batch adds to the objective of its step.

    Attributes:
        loss: scalar to call backward on; those of all micro-batches, and of all processes, add up to the objective.
        losses: ``t``, the part of each objective's loss that this micro-batch has, without gradient or weight.
        squares: ``t``, squared norms of their gradients on the encoded tokens, or None if nobody asked.
        logs: means and their counts.
    """

    loss: Tensor
    losses: Tensor
    squares: Tensor | None
    logs: Mapping[str, Mean]


class Model(nn.Module, ABC):
    """A backbone with one or more objectives.

    A step runs in two passes over its micro-batches. :meth:`prepare` draws and counts; the counts are added up, and
    :meth:`partial_loss` divides by their sum, so that the gradient does not depend on how the items were cut.

    Attributes:
        backbone: encoders, harmonizer and fusion.
        objectives: names of the t losses, in order.
        frozen: parts that do not learn.
    """

    backbone: Backbone
    objectives: tuple[str, ...]
    frozen: tuple[nn.Module, ...] = ()

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those it reads, sorted."""
        return self.backbone.modalities

    @property
    def predicts(self) -> str | None:
        """The label whose classes the scores of :meth:`readout` stand for; None if it scores none."""
        return None

    def train(self, mode: bool = True) -> Self:
        """As in torch, but frozen parts stay in eval mode: dropout there would be noise that nothing learns from."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self

    def units(self) -> list[tuple[nn.Module, str]]:
        """The large parts, whose parameters may be gathered only while they compute, and the methods that do so.

        All processes must call them alike; one with nothing for a part passes it by (:meth:`Peers.pass_by`).
        """
        return self.backbone.units()

    @property
    def measures_gradients(self) -> bool:
        """Whether :meth:`partial_loss` takes gradients by itself, before its loss is gone back through."""
        return False

    @abstractmethod
    def prepare(self, batch: Batch, seed: int) -> MicroBatch:
        """Move a batch to the model's device, draw what is hidden in it, and count what there is to learn.

        Args:
            batch: any items, whatever they lack, on the host or already on the device.
            seed: of the run.
        """

    def share(self, part: MicroBatch, peers: Peers, shared: Counts) -> MicroBatch:
        """A micro-batch that this process shares with others.

        Args:
            part: this process's items, as :meth:`prepare` gave them.
            peers: all processes.
            shared: the sum of their counts.
        """
        return replace(part, peers=peers, shared=shared)

    @abstractmethod
    def partial_loss(self, part: MicroBatch, totals: Counts) -> PartialLoss:
        """The forward pass of one micro-batch.

        Args:
            part: as :meth:`prepare` gave it.
            totals: counts of the whole step.
        """

    def penalty(self, totals: Counts) -> Tensor:
        """A scalar that is added to the objective once a step, whatever the items."""
        return torch.zeros(())

    def observe(self, parts: Sequence[PartialLoss], totals: Counts, finite: Tensor) -> Mapping[str, Tensor]:
        """Learn from a whole step what is not learned by descent.

        Args:
            parts: all that the step's micro-batches added.
            totals: its counts.
            finite: scalar bool on the device; a step that was not finite must teach nothing.

        Returns:
            More numbers for the log, one a step.
        """
        return {}

    def readout(self, view: View) -> tuple[Tensor, Tensor | None]:
        """The vector ``b d`` that stands for an item, and its class scores ``b c`` if the model has any."""
        return view.fused.embedding, None

    def loss(self, batch: Batch, seed: int) -> TaskOutput:
        """The objective of a step that is this one batch, and its logs.

        Args:
            batch: any items, whatever they lack.
            seed: with ``batch.positions`` it decides what is hidden.
        """
        part = self.prepare(batch, seed)
        partial = self.partial_loss(part, part.counts)
        total = partial.loss + self.penalty(part.counts)
        # Finiteness stays on the device: asking for it here would wait for the whole forward pass.
        more = self.observe([partial], part.counts, total.detach().isfinite())
        return TaskOutput(total, {**mean_logs([partial]), **more})

    @torch.inference_mode()
    def embed(self, batch: Batch) -> Embedding:
        """The vectors of a batch's items, on the host; the model must be in eval mode.

        Args:
            batch: on the model's device; any items, whatever they lack. An item with nothing gets zeros, one with
                several rows (several values of a modality) the mean of their vectors.
        """
        if batch.owners is None:
            return embedding_of(self._spaces(batch))
        # never more rows at a time than there are items: a pass takes the memory of one value each
        rows = batch.chunks(int(batch.owners[-1]) + 1)
        return mean_by_item([embedding_of(self._spaces(part)) for part in rows], batch.owners)

    @torch.inference_mode()
    def take(self, batch: Batch, take: Take) -> Tensor:
        """Some of what :meth:`embed` gives of a batch, with the same bits; the rest may not be computed.

        Args:
            batch: as for :meth:`embed`.
            take: the numbers ``b w`` that are wanted.
        """
        return take(self._spaces(batch) if batch.owners is None else self.embed(batch))

    def _spaces(self, batch: Batch) -> Spaces:
        return Spaces(self.backbone, self.readout, self.backbone(batch))

    def forward(self, batch: Batch, seed: int) -> TaskOutput:
        """Same as :meth:`loss`."""
        return self.loss(batch, seed)


def mean_logs(parts: Sequence[PartialLoss]) -> dict[str, Tensor]:
    """The mean of each log over all that it counts; a log that some micro-batches lack is the mean of the others."""
    found: dict[str, list[Mean]] = {}
    for part in parts:
        for name, mean in part.logs.items():
            found.setdefault(name, []).append(mean)
    return {name: Mean.of(means) for name, means in found.items()}


def log_counts(parts: Sequence[PartialLoss]) -> dict[str, float]:
    """Over how many things :func:`mean_logs` averages each log."""
    counts: dict[str, float] = {}
    for part in parts:
        for name, mean in part.logs.items():
            counts[name] = counts.get(name, 0.0) + mean.count
    return counts


def modality_logs(view: View) -> dict[str, Mean]:
    """Mean share of each modality in the embedding, over the items that have it: ``weight/<modality>``."""
    shares = view.harmony.modalities.detach().sum(0)
    logs = {}
    # ``present`` lies on the host, so that reading the counts does not wait for the device.
    for column, count in enumerate(view.present.sum(0).tolist()):
        if count:
            logs[f"weight/{view.modalities[column]}"] = Mean(shares[column] / count, float(count))
    return logs
