"""How strongly each of several losses pulls at what they have in common."""

from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.errors import ContractError


def squared_norms(losses: Sequence[Tensor], shared: Sequence[Tensor]) -> Tensor:
    """Squared norm ``t`` of each loss's gradient on all that is shared; 0 where it reaches nothing.

    Squares of parts add up: those of micro-batches, whose tokens are different ones, to that of their step.

    Args:
        losses: t scalars. Their graph stays, to go back through all of them later.
        shared: tensors that the losses were computed from.

    Raises:
        ContractError: nothing that is shared leads to a parameter in training.

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
        square = loss.new_zeros((), dtype=torch.float32)
        if loss.requires_grad:
            for found in torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True):
                if found is not None:
                    square = square + torch.linalg.vector_norm(found, dtype=torch.float32).square()
        squares.append(square)
    return torch.stack(squares)
