"""Puts prepared items together: the inputs of those that have a modality, and who has what."""

from collections.abc import Mapping, Sequence

import torch

from m5kit.data.dataset import Prepared
from m5kit.structures import Batch, Failure, Inputs


def collate(items: Sequence[Prepared], modalities: Sequence[str]) -> Batch:
    """Make a batch of b rows: one an item, or several where evaluation reads several values of a modality.

    Args:
        items: all with the same labels.
        modalities: the m columns of ``present``, sorted whatever order they come in.
    """
    columns = tuple(sorted(modalities))
    rows: list[Mapping[str, Inputs]] = []
    owners: list[int] = []
    for number, item in enumerate(items):
        rows += item.passes
        owners += [number] * len(item.passes)
    present, inputs, plan = [], {}, {}
    for m in columns:
        parts = [row[m] for row in rows if m in row]
        present.append([m in row for row in rows])
        # only present items are padded and encoded; a modality that nobody has is a missing key
        if parts:
            inputs[m] = Inputs.stack(parts)
            plan[m] = torch.tensor([number for number, row in enumerate(rows) if m in row])
    targets = {}
    for name in items[0].targets:
        targets[name] = torch.tensor([items[owner].targets[name] for owner in owners])
    failures: list[Failure] = []
    for item in items:
        failures += item.failures
    return Batch(
        positions=torch.tensor([items[owner].position for owner in owners]),
        ids=tuple(items[owner].id for owner in owners),
        modalities=columns,
        present=torch.tensor(present).T.contiguous(),
        inputs=inputs,
        plan=plan,
        targets=targets,
        failures=tuple(failures),
        owners=torch.tensor(owners) if len(rows) > len(items) else None,
    )
