"""Put prepared items together: the inputs of those that have a modality, and who has what."""

from collections.abc import Sequence

import torch

from m5kit.data.dataset import Prepared
from m5kit.structures import Batch, Inputs


def collate(items: Sequence[Prepared], modalities: Sequence[str]) -> Batch:
    """Make a batch of b items.

    Args:
        items: all with the same labels.
        modalities: the m columns of ``present``, sorted whatever order they come in.
    """
    columns = tuple(sorted(modalities))
    parts = {m: [item.inputs[m] for item in items if m in item.inputs] for m in columns}
    return Batch(
        positions=torch.tensor([item.position for item in items]),
        ids=tuple(item.id for item in items),
        modalities=columns,
        present=torch.tensor([[m in item.inputs for m in columns] for item in items]),
        inputs={m: Inputs.stack(present) for m, present in parts.items() if present},
        targets={name: torch.tensor([item.targets[name] for item in items]) for name in items[0].targets},
        failures=tuple(failure for item in items for failure in item.failures),
    )
