"""Who sends which rows to whom, where every process knows what all of them want."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Route:
    """The rows that one process sends and gets. All on the host.

    Attributes:
        sent: those of its own rows that it sends, the first process's first.
        given: how many it sends to each process.
        taken: how many it gets from each.
        order: puts what it gets into the order in which it wants it.
    """

    sent: Tensor
    given: tuple[int, ...]
    taken: tuple[int, ...]
    order: Tensor

    @classmethod
    def of(cls, wanted: Tensor, sizes: Sequence[int], rank: int) -> "Route":
        """Find them.

        Args:
            wanted: by item of all processes, the row among all that it wants, or -1.
            sizes: how many items each process has.
            rank: of the process.

        Example:
            >>> Route.of(torch.tensor([3, -1, 0, 2]), (2, 2), rank=0)
            Route(sent=tensor([0]), given=(0, 1), taken=(0, 1), order=tensor([0]))
        """
        first = sum(sizes[:rank])
        sent, given = [], []
        for asking in wanted.split(list(sizes)):
            mine = asking[(asking >= first) & (asking < first + sizes[rank])] - first
            sent.append(mine)
            given.append(len(mine))
        own = wanted.split(list(sizes))[rank]
        own = own[own >= 0]
        ends = torch.tensor(sizes).cumsum(0)
        # A stable sort, as each process sends in the order in which its rows were asked for.
        owners = torch.searchsorted(ends, own, right=True)
        taken = torch.bincount(owners, minlength=len(sizes))
        arrived = owners.argsort(stable=True)
        return cls(torch.cat(sent), tuple(given), tuple(taken.tolist()), arrived.argsort())
