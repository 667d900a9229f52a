"""Put prepared items together: the inputs of those that have a modality, and who has what."""

from collections.abc import Sequence

import torch

from m5kit.data.dataset import Prepared
from m5kit.structures import Batch, Failure, Inputs


def collate(items: Sequence[Prepared], modalities: Sequence[str]) -> Batch:
    """Make a batch of b items.

    Args:
        items: all with the same labels.
        modalities: the m columns of ``present``, sorted whatever order they come in.
    """
    columns = tuple(sorted(modalities))
    present, inputs = {}, {}
    for m in columns:
        parts = [item.inputs[m] for item in items if m in item.inputs]
        present[m] = torch.tensor([m in item.inputs for item in items])
        # only present items are padded and encoded; a modality that nobody has is a missing key
        if parts:
            inputs[m] = Inputs.stack(parts)
    targets = {}
    for name in items[0].targets:
        targets[name] = torch.tensor([item.targets[name] for item in items])
    failures: list[Failure] = []
    for item in items:
        failures += item.failures
    return Batch(
        positions=torch.tensor([item.position for item in items]),
        ids=tuple(item.id for item in items),
        modalities=columns,
        present=torch.stack(list(present.values()), dim=1),
        inputs=inputs,
        targets=targets,
        failures=tuple(failures),
    )
