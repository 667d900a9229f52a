"""Lets a model's descriptors see the training items before the first step."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from m5kit.api import Descriptor
from m5kit.assembly.data import RunData
from m5kit.data.training_items import portion
from m5kit.models.backbone import Backbone
from m5kit.nn.common_directions import CommonDirections
from m5kit.structures import Batch

DESCRIBED_ITEMS = 1024
"""How many training items descriptors learn from at most: they need means and scales, no more."""


def fit_descriptors(backbone: Backbone, data: RunData) -> None:
    """Fit the descriptors that were not fitted before, and what they have in common, on training items as they are.

    Args:
        backbone: on the host; buffers of its descriptors are set.
        data: of the run.
    """
    waiting = {m: d for m, d in backbone.vectors.descriptors.items() if not d.fitted}
    if waiting:
        measured: dict[str, list[Tensor]] = {m: [] for m in waiting}
        for batch in _some_items(data):
            for modality, descriptor in waiting.items():
                if modality in batch.inputs:
                    measured[modality].append(descriptor.measure(batch.inputs[modality]))
        for modality, descriptor in waiting.items():
            if measured[modality]:  # otherwise nobody has it, and there is nothing to describe
                descriptor.fit(torch.cat(measured[modality]))
    if backbone.vectors.common is not None and not backbone.vectors.common.fitted:
        _fit_common(backbone.vectors.common, backbone.vectors.descriptors, data)


def _fit_common(common: CommonDirections, descriptors: Mapping[str, Descriptor], data: RunData) -> None:
    """In a second pass over the same items: statistics are centred only once all of them were seen."""
    vectors: dict[str, list[Tensor]] = {m: [] for m in common.modalities}
    rows: dict[str, list[Tensor]] = {m: [] for m in common.modalities}
    items = 0
    for batch in _some_items(data):
        for m in common.modalities:
            if m in batch.inputs:
                vectors[m].append(descriptors[m](batch.inputs[m]))
                rows[m].append(batch.rows(m) + items)
        items += len(batch)
    there = [m for m in common.modalities if rows[m]]
    if there:
        common.fit({m: torch.cat(vectors[m]) for m in there}, {m: torch.cat(rows[m]) for m in there}, items)


def _some_items(data: RunData) -> Iterator[Batch]:
    """Batches of training items, not augmented."""
    items = data.training_items
    share = min(DESCRIBED_ITEMS / len(items), 1.0)
    for batch, *_ in data.eval_loader(portion(items, share, data.config.seed), every_value=False):
        yield batch
