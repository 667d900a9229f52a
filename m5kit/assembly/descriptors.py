"""Lets a model's descriptors see the training items before the first step."""

import torch
from torch import Tensor

from m5kit.assembly.data import RunData
from m5kit.data.training_items import portion
from m5kit.models.backbone import Backbone

DESCRIBED_ITEMS = 1024
"""How many training items descriptors learn from at most: they need means and scales, no more."""


def fit_descriptors(backbone: Backbone, data: RunData) -> None:
    """Fit the descriptors that were not fitted before on training items as they are, not augmented.

    Args:
        backbone: on the host; buffers of its descriptors are set.
        data: of the run.
    """
    waiting = {m: d for m, d in backbone.vectors.descriptors.items() if not d.fitted}
    if not waiting:
        return
    items = data.training_items
    share = min(DESCRIBED_ITEMS / len(items), 1.0)
    measured: dict[str, list[Tensor]] = {m: [] for m in waiting}
    for batch, *_ in data.eval_loader(portion(items, share, data.config.seed), every_value=False):
        for modality, descriptor in waiting.items():
            if modality in batch.inputs:
                measured[modality].append(descriptor.measure(batch.inputs[modality]))
    for modality, descriptor in waiting.items():
        if measured[modality]:  # otherwise nobody has it, and there is nothing to describe
            descriptor.fit(torch.cat(measured[modality]))
