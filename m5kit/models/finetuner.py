"""Supervised fine-tuning: a head reads the fused view and everything below it learns with it."""

import torch
from torch import Tensor, nn

from m5kit.api import Head, TaskOutput
from m5kit.models.backbone import Backbone
from m5kit.models.pretrainer import modality_logs
from m5kit.structures import Batch


class Finetuner(nn.Module):
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

    def loss(self, batch: Batch, generator: torch.Generator) -> TaskOutput:
        """The head's loss; ``generator`` is part of the interface and not used."""
        view = self.backbone(batch)
        loss = self.head.loss(self.head(view.fused), batch.targets[self.label])
        return TaskOutput(loss, {f"loss/{self.label}": loss.detach()} | modality_logs(view))

    def forward(self, batch: Batch, generator: torch.Generator) -> TaskOutput:
        """Same as :meth:`loss`."""
        return self.loss(batch, generator)

    def predict(self, batch: Batch) -> Tensor:
        """Scores ``b c``."""
        scores: Tensor = self.head(self.backbone(batch).fused)
        return scores
