"""Prepares rows of ids, and shortens the networks that read them."""

from typing import Any

import torch
from torch import Tensor, nn

from m5kit.errors import ConfigError
from m5kit.nn.pretrained.tuning import find_blocks


def wrap(
    ids: Tensor, lengths: Tensor, start: int, end: int, padding: int, size: int | None = None
) -> tuple[Tensor, Tensor]:
    """Put a start and an end token around each row, and ``padding`` after it.

    Args:
        ids: ``p l`` on any device.
        lengths: ``p`` on the host.
        start: -1 for none.
        end: -1 for none.
        padding: id after the end.
        size: how long the rows become; None makes them as long as the longest.

    Returns:
        ids ``p n`` and their lengths ``p`` on the host.

    Example:
        >>> wrap(torch.tensor([[7, 8], [9, 0]]), torch.tensor([2, 1]), start=1, end=2, padding=5)
        (tensor([[1, 7, 8, 2],
                [1, 9, 2, 5]]), tensor([4, 3]))
    """
    before, after = int(start >= 0), int(end >= 0)
    width = max(ids.shape[1] + before + after, size or 0)
    steps = torch.arange(width)
    # built on the host in one go, then two copies to the device
    own = (steps >= before) & (steps < before + lengths[:, None])
    items = ids.shape[0]  # len() would fix the size in a recorded graph
    filler = torch.full((items, width), padding)
    if before:
        filler[:, 0] = start
    if after:
        filler[torch.arange(items), lengths + before] = end
    spread = ids.new_zeros(items, width)
    spread[:, before : before + ids.shape[1]] = ids
    host = (own.to(ids.device, non_blocking=True), filler.to(ids.device, non_blocking=True))
    return torch.where(host[0], spread, host[1]), lengths + before + after


def keep_layers(network: nn.Module, count: int | None) -> None:
    """Drop all but the first ``count`` blocks.

    Raises:
        ConfigError: the network has fewer.
    """
    if count is None:
        return
    path = find_blocks(network)
    holder: Any = network.get_submodule(path.rpartition(".")[0])
    blocks = list(network.get_submodule(path).children())
    if not 1 <= count <= len(blocks):
        raise ConfigError([f"keep: expected 1 to {len(blocks)}, the network's blocks, got {count}"])
    setattr(holder, path.rpartition(".")[2], nn.ModuleList(blocks[:count]))
