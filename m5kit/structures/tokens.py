"""Tokens of one modality: observed ones, which a task may hide, and contextual ones."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from m5kit.errors import ContractError


def length_mask(lengths: Tensor, size: int, device: torch.device | str = "cpu") -> Tensor:
    """Mask ``p l``, True for the first ``lengths`` steps.

    Example:
        >>> length_mask(torch.tensor([2, 0]), 3)
        tensor([[ True,  True, False],
                [False, False, False]])
    """
    # Compared on the host, where the lengths are: the device is never asked for anything, it only receives the mask.
    return (torch.arange(size) < lengths[:, None]).to(device, non_blocking=True)


@dataclass(frozen=True)
class Observation:
    """The tokens of one modality before they are made contextual; a task may hide some of them and predict them.

    Attributes:
        values: ``p l`` int64 ids, or ``p l e`` floating features (patches, frames, mel patches, given features).
        lengths: ``p`` int64 on the host; real tokens come first.
        groups: ``p l`` int64 on the host, the unit (entity, frame) a token belongs to, -1 for none; None if each
            token is a unit of its own.
        roles: ``p l`` int64 on the host, the part a token plays in its unit: 0 none, 1 key, 2 value; None if all alike.
        vocabulary: how many ids there are; None for features.
        mask_id: the id that stands for a hidden token; None for features, whose hidden tokens are zeros.
        target: what a masked-feature task predicts, ``p l t``; None means ``values``. It must not depend on a
            parameter in training, or the task collapses.
        described: ``p w`` fixed statistics of the raw inputs (:mod:`m5kit.descriptors`); None if there are none.
    """

    values: Tensor
    lengths: Tensor
    groups: Tensor | None = None
    roles: Tensor | None = None
    vocabulary: int | None = None
    mask_id: int | None = None
    target: Tensor | None = None
    described: Tensor | None = None

    @cached_property
    def mask(self) -> Tensor:
        """``p l`` on the values' device, True where real."""
        return length_mask(self.lengths, self.values.shape[1], self.values.device)


@dataclass(frozen=True)
class Tokens:
    """Contextual tokens of one modality: a summary token first, then one token for each observed one.

    Attributes:
        values: ``b l d``; rows of items without the modality have length 0.
        lengths: ``b`` int64 on the host, the summary token counted; 0 means absent.
        given: ``b e``, what the encoder had of the item before it learned anything (``Encoder.given``): a pretrained
            tower's own vector, or the mean of given features; zeros where absent. None for an encoder without one.
    """

    values: Tensor
    lengths: Tensor
    given: Tensor | None = None

    def __post_init__(self) -> None:
        if self.values.dim() != 3 or self.lengths.shape != self.values.shape[:1]:
            raise ContractError(
                f"Tokens needs values (b, l, d) and lengths (b,), got {tuple(self.values.shape)} and "
                f"{tuple(self.lengths.shape)}; return one row an item"
            )

    @cached_property
    def mask(self) -> Tensor:
        """``b l`` on the values' device, True where real."""
        return length_mask(self.lengths, self.values.shape[1], self.values.device)

    @property
    def summary(self) -> Tensor:
        """The first token ``b d``; undefined for an absent item."""
        if self.values.shape[1] == 0:
            return self.values.new_zeros(self.values.shape[0], self.values.shape[2])
        return self.values[:, 0]

    def scatter(self, rows: Tensor, size: int) -> "Tokens":
        """Spread p present items over ``size`` rows; the other rows are absent (length 0, zeros)."""
        if rows.shape[0] == size:  # every item has the modality, so the rows are in place
            return self
        lengths = torch.zeros(size, dtype=torch.int64).index_copy(0, rows, self.lengths)
        there = rows.to(self.values.device, non_blocking=True)
        given = None if self.given is None else _spread(self.given, there, size)
        return Tokens(_spread(self.values, there, size), lengths, given)

    def select(self, items: Tensor) -> "Tokens":
        """The tokens of ``items`` ``n`` (host), in that order; an item may come twice."""
        there = items.to(self.values.device, non_blocking=True)
        given = None if self.given is None else self.given.index_select(0, there)
        return Tokens(self.values.index_select(0, there), self.lengths[items], given)


def _spread(values: Tensor, rows: Tensor, size: int) -> Tensor:
    return values.new_zeros(size, *values.shape[1:]).index_copy(0, rows, values)
