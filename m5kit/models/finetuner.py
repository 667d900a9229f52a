"""Supervised fine-tuning: a head reads the fused view and everything below it learns with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from m5kit.api import Fused, Head, Mean, View
from m5kit.models.backbone import Backbone
from m5kit.models.base import Counts, MicroBatch, Model, PartialLoss, modality_logs
from m5kit.structures import Batch, Peers


class Finetuner(Model):
    """A backbone and a head trained on one label (SCALE, CVPR 2022, section 5).

    A head that always sees all modalities learns to read the easiest one, and the others stop learning once that one
    answers (Wang et al., What Makes Training Multi-Modal Classification Networks Hard?, CVPR 2020). So the same head
    must also answer from each modality alone: a second loss, for one more pass of the fusion and none of the encoders.

    Args:
        backbone: usually taken from a pretraining run.
        head: predicts the label.
        label: the target's name in the manifest's ``labels``.
        alone: weight of the loss of single modalities; 0 leaves it out.
        vectors: whether the head also reads the public vectors, which hold the fixed statistics of inputs: a learned
            map adds them to what the fusion pooled, from zero.
    """

    def __init__(
        self, *, backbone: Backbone, head: Head, label: str, alone: float = 1.0, vectors: bool = False
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.label = label
        self.additions = nn.ModuleDict()
        for m in backbone.modalities if vectors else ():
            learned = nn.Linear(backbone.vectors.widths[m], backbone.fusion.dim, bias=False)
            nn.init.zeros_(learned.weight)
            self.additions[m] = learned
        # Of a model with one modality both losses would be the same.
        self.alone = alone if len(backbone.modalities) > 1 else 0.0
        self.objectives = (label, f"{label}_alone") if self.alone else (label,)

    @property
    def predicts(self) -> str | None:
        """Its label, if the head scores classes."""
        return self.label if self.head.classifies else None

    def prepare(self, batch: Batch, seed: int) -> MicroBatch:
        """Count the items that the head learns from, while their classes are still on the host; nothing is drawn."""
        labels = batch.targets[self.label]
        counts = self._counts(labels, self.backbone.present(batch))
        return MicroBatch(batch.to(self.backbone.device), counts, seed, labels=labels)

    def share(self, part: MicroBatch, peers: Peers, shared: Counts) -> MicroBatch:
        """Count again for a head that gathers: what it compares are the items of all processes."""
        if not self.head.gathers or part.labels is None:
            return super().share(part, peers, shared)
        counts = self._counts(peers.host_rows(part.labels), peers.present(self.backbone.present(part.batch)))
        return replace(part, peers=peers, counts=counts, shared=counts)

    def _counts(self, labels: Tensor, present: Tensor) -> Counts:
        """What the head learns from items with class numbers ``b`` and presence ``b m``."""
        counts = {self.label: self.head.count(labels)}
        if self.alone:
            counts[f"{self.label}_alone"] = sum(self.head.count(labels[there]) for there in present.T)
        return counts

    def partial_loss(self, part: MicroBatch, totals: Counts) -> PartialLoss:
        """The head's losses over the labelled items of the whole step, and over their single modalities."""
        if not any(part.shared.values()):  # nobody has a label: there is nothing to run the encoders for
            nothing = torch.zeros(len(self.objectives), device=self.backbone.device)
            return PartialLoss(nothing.sum(), nothing, None, {})
        observed = self.backbone.observe(part.batch)
        view, target = self.backbone.view(part.batch, observed, part.peers), part.batch.targets[self.label]
        prediction = self.head(self._read(view))
        sums = [self._loss(prediction, target, part.peers)]
        if self.alone:
            sums.append(self._alone(view, prediction, target, part.peers))
        losses, logs = [], modality_logs(view)
        # The parts of all processes add up to the loss; their mean times their number is what is logged.
        parts = part.peers.size if self.head.gathers else 1
        for name, given in zip(self.objectives, sums, strict=True):
            count = part.counts[name]
            # Divided by the count of the step, not of the micro-batch: items then weigh alike however a step is cut.
            losses.append(given / totals[name] if totals[name] else given)
            if count:
                logs[f"loss/{name}"] = Mean(given.detach() * parts / count, count)
        loss = losses[0] + self.alone * losses[1] if self.alone else losses[0]
        return PartialLoss(loss, torch.stack(losses).detach(), None, logs)

    def _loss(self, prediction: Tensor, target: Tensor, peers: Peers) -> Tensor:
        """The part of the loss that this process's items ``b`` have."""
        if not self.head.gathers or peers.size == 1:
            return self.head.loss(prediction, target)
        own = torch.arange(peers.first, peers.first + len(target), device=target.device)
        return self.head.loss_among(peers.rows(prediction), peers.rows(target), own)

    def _alone(self, view: View, together: Tensor, target: Tensor, peers: Peers) -> Tensor:
        """The sum of the head's losses on each modality as if its items had no other."""
        total = view.features.new_zeros(())
        somewhere = peers.present(view.present).any(0).tolist()
        for column, modality in enumerate(view.modalities):
            if modality in view.rows:
                rows = view.rows[modality].to(target.device, non_blocking=True)
                prediction = self.head(self._read_alone(view, modality))
                total = total + self._loss_of_some(prediction, target, rows, peers)
            elif somewhere[column]:
                peers.pass_by(self.backbone.fusion)
                if self.head.gathers:  # others wait for rows of this process too
                    nothing = torch.zeros_like(together)
                    total = total + self._loss(nothing, torch.full_like(target, -1), peers)
        return total

    def _loss_of_some(self, prediction: Tensor, target: Tensor, rows: Tensor, peers: Peers) -> Tensor:
        """The part of the loss that the items in ``rows`` (``p``) have; the others count as without a label."""
        if not self.head.gathers or peers.size == 1:
            return self.head.loss(prediction, target[rows])
        # Every item has a row, as processes gather equally shaped ones.
        every = prediction.new_zeros(len(target), *prediction.shape[1:]).index_copy(0, rows, prediction)
        known = torch.full_like(target, -1).index_copy(0, rows, target[rows])
        return self._loss(every, known, peers)

    def readout(self, view: View) -> tuple[Tensor, Tensor | None]:
        """The head's hidden layer, and its scores."""
        read = self._read(view)
        return self.head.embed(read), self.head(read)

    def predict(self, batch: Batch) -> Tensor:
        """Scores ``b c``."""
        scores: Tensor = self.head(self._read(self.backbone(batch)))
        return scores

    def _read(self, view: View) -> Fused:
        """What the head reads of whole items."""
        return self._informed(view.fused, view.modalities, view.vectors)

    def _read_alone(self, view: View, modality: str) -> Fused:
        """What it reads of the items that have ``modality``, were it their only one."""
        rows = view.rows[modality].to(self.backbone.device, non_blocking=True)
        own = {modality: view.vectors[modality][rows]}
        return self._informed(fuse_alone(self.backbone, view, modality), view.modalities, own)

    def _informed(self, fused: Fused, modalities: Sequence[str], vectors: Mapping[str, Tensor]) -> Fused:
        """Add what is learned of public vectors ``b w`` to what was pooled of their modalities."""
        if not self.additions:
            return fused
        added = torch.zeros_like(fused.pooled)
        for m, each in vectors.items():
            # Columns of unit vectors are small; of about unit variance they are learned as fast as all else.
            added[:, modalities.index(m)] = self.additions[m](each * each.shape[1] ** 0.5).to(added.dtype)
        return replace(fused, pooled=fused.pooled + added)


def fuse_alone(backbone: Backbone, view: View, modality: str) -> Fused:
    """The fusion's output for the p items that have ``modality``, as if they had no other; encoders do not run again.

    Args:
        backbone: that gave ``view``.
        view: of a batch.
        modality: a key of ``view.rows``.
    """
    rows = view.rows[modality]
    # The only modality of an item has the whole weight, whatever the harmonizer.
    weights = torch.zeros(len(rows), len(view.modalities))
    weights[:, view.modalities.index(modality)] = 1.0
    tokens = {modality: view.encoded[modality].select(rows)}
    fused: Fused = backbone.fusion(tokens, weights.to(backbone.device, non_blocking=True))
    return fused
