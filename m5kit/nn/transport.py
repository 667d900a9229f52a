"""Optimal transport between two sets of tokens.

Shape letters: p item, k and l tokens of two modalities.
"""

import torch
from torch import Tensor

from m5kit.nn.losses import cosines


def transport_distance(
    a: Tensor, b: Tensor, a_mask: Tensor, b_mask: Tensor, beta: float = 0.5, iterations: int = 50
) -> Tensor:
    """The cost of moving the tokens of ``a`` onto those of ``b``, at 1 - cosine for each pair.

    Every real token of a side has the same mass. The gradient flows through the costs, not through the plan.

    Args:
        a: ``p k d``.
        b: ``p l d``.
        a_mask: ``p k`` bool, at least one True a row.
        b_mask: ``p l`` bool, at least one True a row.
        beta: step of the proximal point method; see :func:`transport_plan`.
        iterations: how many steps.

    Returns:
        ``p``, from 0 to 2.

    Example:
        >>> one, same = torch.eye(2)[None], torch.eye(2).flip(0)[None]
        >>> everything = torch.ones(1, 2, dtype=torch.bool)
        >>> transport_distance(one, same, everything, everything).round(decimals=4)
        tensor([0.])
    """
    # Padding may hold anything, and NaN times a mass of 0 is NaN.
    costs = 1 - cosines(a.masked_fill(~a_mask[..., None], 0.0), b.masked_fill(~b_mask[..., None], 0.0))
    return (transport_plan(costs.detach(), a_mask, b_mask, beta, iterations) * costs).sum((1, 2))


@torch.no_grad()
def transport_plan(costs: Tensor, a_mask: Tensor, b_mask: Tensor, beta: float = 0.5, iterations: int = 50) -> Tensor:
    """The cheapest way to move equal masses, by inexact proximal points (IPOT, Xie et al. 2018, arXiv 1802.04307).

    Args:
        costs: ``p k l``.
        a_mask: ``p k`` bool, at least one True a row.
        b_mask: ``p l`` bool, at least one True a row.
        beta: step size; smaller ones need fewer iterations, each of which is less exact.
        iterations: how many.

    Returns:
        ``p k l``: rows sum to 1 / (real tokens of a), columns near 1 / (real tokens of b), zeros in the padding.

    Example:
        >>> costs = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
        >>> everything = torch.ones(1, 2, dtype=torch.bool)
        >>> transport_plan(costs, everything, everything).round(decimals=4)
        tensor([[[0.5000, 0.0000],
                 [0.0000, 0.5000]]])
    """
    both = a_mask[:, :, None] & b_mask[:, None]
    kernel = (-costs / beta).exp().masked_fill(~both, 0.0)
    rows, columns = _masses(a_mask, costs), _masses(b_mask, costs)
    plan, scale = both.to(costs.dtype), columns
    # Algorithm 1 of the paper with one inner Sinkhorn iteration: the plan before is the proximal term.
    for _ in range(iterations):
        step = kernel * plan
        left = rows / _safe(step @ scale[..., None]).squeeze(2)
        scale = columns / _safe(left[:, None] @ step).squeeze(1)
        plan = left[:, :, None] * step * scale[:, None]
    # an iteration ends with exact columns; rescale, so that every token of a gives away all of its mass
    return plan * (rows / _safe(plan.sum(2)))[..., None]


def _masses(mask: Tensor, like: Tensor) -> Tensor:
    """Equal masses for the real tokens of a side, in the precision of the costs."""
    return (mask / mask.sum(1, keepdim=True)).to(like.dtype)


def _safe(values: Tensor) -> Tensor:
    """A divisor that is never 0: padding would divide 0 by 0, and real sums are far above the smallest number."""
    return values.clamp(min=torch.finfo(values.dtype).tiny)
