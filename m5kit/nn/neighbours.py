"""How far two kinds of vectors agree on which items are alike.

Shape letters: n item, w and v widths.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize

NEIGHBOURS = 10


def shared_neighbours(first: Tensor, second: Tensor, count: int = NEIGHBOURS) -> float:
    """Share of an item's nearest neighbours by ``first`` (``n w``) that ``second`` (``n v``) finds too, above chance.

    1 where both always find the same, 0 on average where they have nothing to do with each other (mutual nearest
    neighbours, Huh et al., ICML 2024). It looks at what is near alone: that all items of a recording are a little
    alike counts for nothing.

    Example:
        >>> items = torch.eye(8).repeat(4, 1) + 0.01 * torch.arange(32)[:, None]
        >>> shared_neighbours(items, items, count=3)
        1.0
    """
    chance = count / (len(first) - 1)
    both = _nearest(first, count) & _nearest(second, count)
    return (float(both.sum()) / (count * len(first)) - chance) / (1 - chance)


def _nearest(vectors: Tensor, count: int) -> Tensor:
    """``n n`` bool: which others are an item's nearest by cosine."""
    unit = normalize(vectors, dim=1)
    cosines = (unit @ unit.T).fill_diagonal_(-torch.inf)
    return torch.zeros_like(cosines, dtype=torch.bool).scatter_(1, cosines.topk(count, dim=1).indices, True)
