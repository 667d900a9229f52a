"""Supervised fine-tuning: a head reads the fused view and everything below it learns with it."""

import torch
from torch import Tensor

from m5kit.api import Fused, Head, Mean
from m5kit.models.backbone import Backbone
from m5kit.models.base import Counts, MicroBatch, Model, PartialLoss, modality_logs
from m5kit.structures import Batch


class Finetuner(Model):
    """A backbone and a head trained on one label (SCALE, CVPR 2022, section 5).

    Args:
        backbone: usually taken from a pretraining run.
        head: predicts the label.
        label: the target's name in the manifest's ``labels``.
    """

    def __init__(self, *, backbone: Backbone, head: Head, label: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.label = label
        self.objectives = (label,)

    @property
    def predicts(self) -> str | None:
        """Its label, if the head scores classes."""
        return self.label if self.head.classifies else None

    def prepare(self, batch: Batch, seed: int) -> MicroBatch:
        """Count the items that the head learns from, while their classes are still on the host; nothing is drawn."""
        count = self.head.count(batch.targets[self.label])
        return MicroBatch(batch.to(self.backbone.device), {self.label: count}, seed)

    def partial_loss(self, part: MicroBatch, totals: Counts) -> PartialLoss:
        """The head's loss over the items of the whole step that have a label."""
        count = part.counts[self.label]
        if not count:  # nobody has a label: there is nothing to run the encoders for
            nothing = torch.zeros((), device=self.backbone.device)
            return PartialLoss(nothing, nothing[None], None, {})
        view = self.backbone(part.batch)
        given = self.head.loss(self.head(view.fused), part.batch.targets[self.label])
        loss = given / totals[self.label]
        logs = {f"loss/{self.label}": Mean(given.detach() / count, count)} | modality_logs(view)
        return PartialLoss(loss, loss.detach()[None], None, logs)

    def readout(self, fused: Fused) -> tuple[Tensor, Tensor | None]:
        """The head's hidden layer, and its scores."""
        return self.head.embed(fused), self.head(fused)

    def predict(self, batch: Batch) -> Tensor:
        """Scores ``b c``."""
        scores: Tensor = self.head(self.backbone(batch).fused)
        return scores
