"""Bags: numbers of any size, such as ids of words, counted in a vector of fixed width."""

import torch
from torch import Tensor

SPREAD = 2_654_435_761
"""Knuth's multiplicative hash: neighbouring numbers land far apart."""
LEAST = 2
"""Items in which a column must occur to say something: what only one has links it to no other."""


def bag(numbers: Tensor, real: Tensor, width: int, folded: bool) -> Tensor:
    """Count the ``real`` (``p l``) of ``numbers`` ``p l`` in ``width`` columns; rows have unit length.

    Args:
        numbers: any that are not negative; below ``width`` if they are not ``folded``.
        real: which of them count.
        width: columns.
        folded: let several numbers share a column, with signs that make what they share cancel out on average.

    Example:
        >>> bag(torch.tensor([[1, 1, 0]]), torch.tensor([[True, True, False]]), 2, folded=False)
        tensor([[0., 1.]])
    """
    mixed = (numbers * SPREAD) % 2**32
    columns = (mixed >> 7) % width if folded else numbers
    signs = 1 - 2 * (mixed >> 31) if folded else torch.ones_like(mixed)
    counts = torch.zeros(numbers.shape[0], width, device=numbers.device)
    counts.scatter_add_(1, columns, (signs * real).float())
    damped = counts.sign() * counts.abs().log1p()  # a word said ten times does not mean ten times as much
    return torch.nn.functional.normalize(damped, dim=1)


def inverse_frequency(bags: Tensor) -> Tensor:
    """Weights ``w`` by how few of the n ``bags`` ``n w`` have something in a column; 0 if hardly any has.

    Example:
        >>> inverse_frequency(torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
        tensor([1.0000, 0.0000, 1.6931])
    """
    found = (bags != 0).sum(0)
    weights = 1 + (len(bags) / found.clamp(min=1)).log()
    return weights.masked_fill(found < min(LEAST, len(bags)), 0.0)
