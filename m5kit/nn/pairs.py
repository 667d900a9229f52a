"""Which pairs of modalities a batch can compare."""

from collections.abc import Iterator
from itertools import combinations

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
