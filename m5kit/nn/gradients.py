"""Norms of the gradients of several losses on the tensors that they share."""

from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.errors import ContractError


def squared_norms(losses: Sequence[Tensor], shared: Sequence[Tensor]) -> Tensor:
    """Squared norm ``t`` of each loss's gradient on the shared tensors; 0 where no gradient reaches them.

    Squared norms add up: those of the micro-batches of a step, which have different tokens, give that of the step.

    Args:
        losses: t scalars. Their graph is retained for the backward pass of the step.
        shared: tensors that the losses were computed from.

    Raises:
        ContractError: no shared tensor depends on a trainable parameter.

    Example:
        >>> x = torch.tensor([3.0, 4.0], requires_grad=True)
        >>> squared_norms([(x * x).sum() / 2, torch.zeros(())], [x])
        tensor([25.,  0.])
    """
    leaves = [each for each in shared if each.requires_grad]
    if not leaves:
        raise ContractError(
            "the balancer measures gradients on the encoded tokens and no encoder has a parameter to train; "
            "train one, or use balancer=uncertainty"
        )
    squares = []
    for loss in losses:
        # in float32 at least: squares of small gradients vanish in fp16, and long sums lose their digits in bf16
        wide = torch.promote_types(loss.dtype, torch.float32)
        square = loss.new_zeros((), dtype=wide)
        if loss.requires_grad:
            for found in torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True):
                if found is not None:
                    square = square + torch.linalg.vector_norm(found, dtype=wide).square()
        squares.append(square)
    return torch.stack(squares)
