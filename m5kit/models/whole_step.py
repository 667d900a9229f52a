"""The items of a step that comes in chunks, as one batch without what they hold: presence, lengths and counts."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from m5kit.api import Facts, Observation
from m5kit.models.base import MicroBatch
from m5kit.models.kept_view import rows_of
from m5kit.structures import Batch


def without_inputs(chunks: Sequence[Batch]) -> Batch:
    """Which items with which modalities there are in all chunks, without what they hold."""
    ids: list[str] = []
    for chunk in chunks:
        ids.extend(chunk.ids)
    present = torch.cat([chunk.present for chunk in chunks])
    positions = torch.cat([chunk.positions for chunk in chunks])
    return Batch(tuple(ids), chunks[0].modalities, present, {}, positions=positions)


def whole_step(parts: Sequence[MicroBatch]) -> MicroBatch:
    """All micro-batches of a step as one without inputs, whose counts are sums."""
    counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    return MicroBatch(without_inputs([part.batch for part in parts]), counts, parts[0].seed)


def without_values(facts: Facts) -> Facts:
    """The same presence and lengths; what a chunk shows is not kept."""
    lengths = {}
    for m, observation in facts.observations.items():
        lengths[m] = Observation(observation.values.new_zeros(len(observation.lengths), 0), observation.lengths)
    return replace(facts, observations=lengths)


def joined_facts(parts: Sequence[Facts]) -> Facts:
    """The facts of all items of a step."""
    present = torch.cat([part.present for part in parts])
    observations = {}
    for m in rows_of(parts[0].modalities, present):
        own = [part.observations[m] for part in parts if m in part.observations]
        observations[m] = Observation(
            torch.cat([each.values for each in own]), torch.cat([each.lengths for each in own])
        )
    return Facts(parts[0].modalities, present, rows_of(parts[0].modalities, present), observations)
