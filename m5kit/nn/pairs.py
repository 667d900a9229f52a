"""Which pairs of modalities a batch can compare, and which of the compared items are a process's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor


def pairs_of_modalities(present: Tensor, least: int = 2) -> Iterator[tuple[int, int, Tensor]]:
    """Columns i < j, and the positions of the items that have both, where at least ``least`` items do.

    Args:
        present: ``b m`` bool on the host.
        least: of items; two are needed where one is the other's negative.

    Example:
        >>> import torch
        >>> for i, j, rows in pairs_of_modalities(torch.tensor([[True, True, False], [True, True, True]])):
        ...     print(i, j, rows.tolist())
        0 1 [0, 1]
    """
    for i, j in combinations(range(present.shape[1]), 2):
        rows = (present[:, i] & present[:, j]).nonzero().squeeze(1)
        if len(rows) >= least:
            yield i, j, rows


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """Items that are compared with each other, of all processes, and which of them are this one's. On the device.

    Attributes:
        rows: ``p``, positions among the items of all processes.
        mine: ``q``, positions of this process's among its own items.
        own: ``q``, their places in ``rows``; None if all are its own.
    """

    rows: Tensor
    mine: Tensor
    own: Tensor | None

    @classmethod
    def of(cls, rows: Tensor, first: int, count: int, device: torch.device) -> "ComparedRows":
        """Find a process's own among ``rows`` (host).

        Args:
            rows: in ascending order.
            first: how many items the processes before it hold.
            count: how many it holds.
            device: where the result is needed.

        Example:
            >>> ComparedRows.of(torch.tensor([0, 2, 3]), 2, 2, torch.device("cpu"))
            ComparedRows(rows=tensor([0, 2, 3]), mine=tensor([0, 1]), own=tensor([1, 2]))
        """
        own = ((rows >= first) & (rows < first + count)).nonzero().squeeze(1)
        there = rows.to(device, non_blocking=True)
        # No selection where all are this process's: losses then compute one product for both directions.
        if len(own) == len(rows) and first == 0:
            return cls(there, there, None)
        mine = (rows[own] - first).to(device, non_blocking=True)
        return cls(there, mine, own.to(device, non_blocking=True))

    def take(self, values: Tensor) -> Tensor:
        """The rows ``q ...`` of ``p ...`` values that are this process's own."""
        return values if self.own is None else values[self.own]
