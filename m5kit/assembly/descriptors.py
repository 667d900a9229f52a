"""Lets a model's descriptors see the training items before the first step."""

from collections.abc import Iterator, Mapping
from itertools import permutations

import torch
from torch import Tensor

from m5kit.api import Descriptor
from m5kit.assembly.data import RunData
from m5kit.data.training_items import portion
from m5kit.models.backbone import Backbone
from m5kit.nn.neighbours import shared_neighbours
from m5kit.structures import Batch

DESCRIBED_ITEMS = 2048
"""How many training items are measured at most. Means and scales need fewer; common directions are the better the more
items show them."""
STUDIED_ITEMS = 512
"""Of how many training items descriptors study pieces, of which every item has many."""
FEWEST_SHARED = 50
"""Items that two modalities must share before one says anything about the other."""
DOUBT = 3.0
"""Standard errors of chance that every block is granted: of n items, chance alone moves the agreement by 1 / n."""


def fit_descriptors(backbone: Backbone, data: RunData) -> None:
    """Fit the descriptors that were not fitted before, and what they have in common, on training items as they are.

    Args:
        backbone: on the host; buffers of its descriptors are set.
        data: of the run.
    """
    descriptors, common = backbone.vectors.descriptors, backbone.vectors.common
    waiting = {m: d for m, d in descriptors.items() if not d.fitted}
    if not waiting and (common is None or common.fitted):
        return
    _study({m: d for m, d in waiting.items() if d.studies}, data)
    found, rows, items = _measure(descriptors, data)
    for m in sorted(waiting.keys() & found.keys()):
        found[m] = waiting[m].fit(found[m])
    weigh_blocks(waiting, {m: found[m] for m in waiting if m in found}, rows)
    if common is not None and not common.fitted:
        seen = [m for m in common.modalities if m in found]
        common.fit({m: descriptors[m].vectors(found[m]) for m in seen}, {m: rows[m] for m in seen}, items)


def _study(descriptors: Mapping[str, Descriptor], data: RunData) -> None:
    """Let descriptors learn from pieces of some training items; of all that are measured, for what few items have."""
    waiting = dict(descriptors)
    for most in (STUDIED_ITEMS, DESCRIBED_ITEMS):
        pieces: dict[str, list[Tensor]] = {m: [] for m in waiting}
        for batch in _batches(data, most) if waiting else ():
            for m in waiting.keys() & batch.inputs.keys():
                pieces[m].append(waiting[m].pieces(batch.inputs[m]))
        for m, found in pieces.items():
            if found:
                waiting.pop(m).study(torch.cat(found))


def _batches(data: RunData, most: int) -> Iterator[Batch]:
    """At most so many training items, not augmented, the same ones for every caller."""
    items = data.training_items
    chosen = portion(items, min(most / len(items), 1.0), data.config.seed)
    for batch, *_ in data.eval_loader(chosen, every_value=False):
        yield batch


def _measure(descriptors: Mapping[str, Descriptor], data: RunData) -> tuple[dict[str, Tensor], dict[str, Tensor], int]:
    """Raw numbers of some training items, not augmented, by modality; one that none of them has is left out.

    Returns:
        The numbers ``p w`` of the items that have the modality, which items these are (``p``), and how many there are.
    """
    measured: dict[str, list[Tensor]] = {m: [] for m in descriptors}
    rows: dict[str, list[Tensor]] = {m: [] for m in descriptors}
    seen = 0
    for batch in _batches(data, DESCRIBED_ITEMS):
        for m, descriptor in descriptors.items():
            if m in batch.inputs:
                rows[m].append(seen + batch.rows(m))
                measured[m].append(descriptor.measure(batch.inputs[m]))
        seen += len(batch)
    found = {m: torch.cat(parts) for m, parts in measured.items() if parts}
    return found, {m: torch.cat(rows[m]) for m in found}, seen


def weigh_blocks(
    descriptors: Mapping[str, Descriptor], measured: Mapping[str, Tensor], rows: Mapping[str, Tensor]
) -> None:
    """Let a block of statistics count by how far it agrees with the other modalities on which items are alike.

    Colours of a fruit tell its clip, so they count for much; colours of a hand do not tell the digit that is spoken.
    Without a second modality, or where nothing agrees with anything, blocks count as they did.

    Args:
        descriptors: by modality, fitted; their shares are changed.
        measured: by modality, the raw numbers ``n w`` of n items.
        rows: by modality, which items these are, ascending, ``n``.
    """
    parts = {m: descriptors[m].parts(numbers) for m, numbers in measured.items()}
    evidence = {m: torch.zeros(len(blocks)) for m, blocks in parts.items()}
    for m, other in permutations(parts, 2):
        here, there = torch.isin(rows[m], rows[other]), torch.isin(rows[other], rows[m])
        shared = int(here.sum())
        if len(parts[m]) == 1 or shared < FEWEST_SHARED:
            continue
        whole = torch.cat(parts[other], dim=1)[there]
        agreed = torch.tensor([shared_neighbours(block[here], whole) for block in parts[m]])
        evidence[m] += agreed.clamp(min=0) + DOUBT / shared
    for m, found in evidence.items():
        if found.any():
            descriptors[m].weigh(found)
