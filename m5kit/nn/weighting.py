"""Turns weights of pairs of modalities into the share of each modality in an item's embedding."""

import torch
from torch import Tensor


def both_present(present: Tensor) -> Tensor:
    """``b m m``, True where an item has both modalities of a pair; from ``present`` ``b m``.

    Example:
        >>> both_present(torch.tensor([[True, False]]))
        tensor([[[ True, False],
                 [False, False]]])
    """
    return present[:, :, None] & present[:, None, :]


def pooled_shares(pairs: Tensor, present: Tensor) -> Tensor:
    """Share of each modality in the pooled embedding, by its agreement with the item's other modalities.

    A modality's agreement is the mean weight of its pairs with the other present ones; shares are agreements divided by
    their sum. Where all agreements are zero (one modality alone, or none aligned) the present ones have equal shares.

    Args:
        pairs: symmetric non-negative weights ``b m m``; the diagonal is not read.
        present: ``b m`` bool.

    Returns:
        ``b m``, sums to 1 over the present ones; zeros for an item with nothing.

    Example:
        >>> pairs = torch.tensor([[[1.0, 0.6, 0.2], [0.6, 1.0, 0.2], [0.2, 0.2, 1.0]]])
        >>> pooled_shares(pairs, torch.tensor([[True, True, True]]))
        tensor([[0.4000, 0.4000, 0.2000]])
        >>> pooled_shares(pairs, torch.tensor([[False, True, False]]))
        tensor([[0., 1., 0.]])
    """
    others = both_present(present) & ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
    agreement = (pairs * others).sum(dim=-1) / others.sum(dim=-1).clamp(min=1)
    total = agreement.sum(dim=-1, keepdim=True)
    alike = present.to(pairs.dtype) / present.sum(dim=-1, keepdim=True).clamp(min=1)
    # the division must be finite also where it is not used, or its gradient is NaN
    tiny = torch.finfo(pairs.dtype).tiny
    return torch.where(total > tiny, agreement / total.clamp(min=tiny), alike)
