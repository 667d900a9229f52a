"""Pooling of tokens and of modalities, where some may be missing."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from m5kit.errors import ContractError


def length_mean(values: Tensor, lengths: Tensor) -> Tensor:
    """Mean ``b d`` of the first ``lengths`` (``b``, host) of ``b l d`` tokens; zeros for a length of 0.

    Example:
        >>> length_mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([2]))
        tensor([[2.]])
    """
    shares = (torch.arange(values.shape[1]) < lengths[:, None]) / lengths.clamp(min=1)[:, None]
    shares = shares.to(values.device, values.dtype, non_blocking=True)
    real = values.masked_fill((shares == 0)[..., None], 0.0)  # padding may hold anything, also infinities
    # one product instead of a masked copy and a sum
    return (shares[:, None] @ real).squeeze(1)


def group_means(values: Tensor, groups: Tensor, count: int) -> Tensor:
    """Means ``b g d`` of the ``b l d`` values of each of ``count`` groups; zeros for a group with none.

    Args:
        values: padding may hold anything.
        groups: ``b l`` on the host, the group of each step, -1 for none.
        count: how many groups g there are.

    Example:
        >>> group_means(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, -1]]), 2)
        tensor([[[0.],
                 [2.]]])
    """
    member = groups[:, None] == torch.arange(count)[:, None]  # b g l
    shares = member / member.sum(2, keepdim=True).clamp(min=1)
    shares = shares.to(values.device, values.dtype, non_blocking=True)
    nowhere = (groups < 0)[..., None].to(values.device, non_blocking=True)
    return shares @ values.masked_fill(nowhere, 0.0)


def segment_means(values: Tensor, lengths: Tensor, segments: int) -> Tensor:
    """Means ``b g d`` of equal stretches of the first ``lengths`` (``b``, host) of ``b l d`` values.

    A stretch shorter than a step takes the step that it falls into, so a short sequence leaves none empty.
    """
    starts = (torch.arange(segments) * lengths[:, None]) // segments
    # Beginnings are rounded down and ends up, so that every stretch holds a step.
    ends = -((-(torch.arange(segments) + 1) * lengths[:, None]) // segments)
    steps = torch.arange(values.shape[1])
    inside = (steps >= starts[..., None]) & (steps < ends[..., None])  # b g l
    shares = inside / inside.sum(2, keepdim=True).clamp(min=1)
    shares = shares.to(values.device, values.dtype, non_blocking=True)
    real = (steps < lengths[:, None])[..., None].to(values.device, non_blocking=True)
    return shares @ values.masked_fill(~real, 0.0)


def weighted_sum(values: Tensor, weights: Tensor) -> Tensor:
    """Sum ``b d`` of ``b m d`` vectors, each times its weight ``b m``.

    Example:
        >>> weighted_sum(torch.tensor([[[2.0], [4.0]]]), torch.tensor([[0.5, 0.25]]))
        tensor([[2.]])
    """
    return (weights.to(values.dtype)[:, None] @ values).squeeze(1)


def present_columns(lengths: Mapping[str, Tensor], names: Sequence[str], items: int) -> Tensor:
    """Which of m modalities each item has, ``b m`` bool on the host; a missing key is a modality that no item has.

    Raises:
        ContractError: a key is not among ``names``.

    Example:
        >>> present_columns({"b": torch.tensor([2, 0])}, ("a", "b"), 2)
        tensor([[False,  True],
                [False, False]])
    """
    unknown = sorted(lengths.keys() - set(names))
    if unknown:
        raise ContractError(
            f"got tokens of {', '.join(unknown)}, built for {', '.join(names)}; name them all when it is built"
        )
    nobody = torch.zeros(items, dtype=torch.int64)
    return torch.stack([lengths.get(name, nobody) for name in names], dim=1) > 0


def stack_columns(columns: Mapping[str, Tensor], names: Sequence[str], present: Tensor, dim: int) -> Tensor:
    """Stack the ``b d`` vectors of m modalities into ``b m d``, zeros where ``present`` (``b m``) is False."""
    nobody = torch.zeros(present.shape[0], dim, device=present.device)
    stacked = torch.stack([columns.get(name, nobody) for name in names], dim=1)
    return stacked.masked_fill(~present[..., None], 0.0)


class Context(nn.Module):
    """Adds a projection of the item's embedding to each of its tokens: ``token + linear(embedding)``.

    Args:
        dim: width d.
    """

    def __init__(self, *, dim: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.project.weight, std=0.02)
        nn.init.zeros_(self.project.bias)

    def forward(self, values: Tensor, mask: Tensor, embedding: Tensor) -> Tensor:
        """Add the projected embedding ``b d`` to ``b l d`` tokens; slots outside the ``mask`` ``b l`` become zeros."""
        informed: Tensor = values + self.project(embedding)[:, None]
        return informed.masked_fill(~mask[..., None], 0.0)
