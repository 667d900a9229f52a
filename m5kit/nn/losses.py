"""Losses as pure functions; each gives zero, not NaN, where there is nothing to learn.

The losses of tasks with a count are sums: the step divides them once, over all its micro-batches.

The contrastive ones return a loss for every row, so that the caller may weigh rows before averaging; or for some of
the rows (``own``, their numbers ``q``), which are then the only ones that are searched for, among all. Similarities are
cosines in at least single precision, also under autocast: at a temperature of 0.1 the rounding of bfloat16 would be
as large as the differences between negatives.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Cosine similarities ``... p q`` of ``... p h`` and ``... q h``; 0 for a vector of zeros.

    Example:
        >>> cosines(torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
        tensor([[1., 0.]])
    """
    # Autocast would round the product itself to bf16, whatever the type of its factors.
    with torch.autocast(a.device.type, enabled=False):
        return F.normalize(_wide(a), dim=-1) @ F.normalize(_wide(b), dim=-1).mT


def infonce(
    a: Tensor, b: Tensor, temperature: float | Tensor, scale: Tensor | None = None, own: Tensor | None = None
) -> Tensor:
    """Symmetric cross-modal InfoNCE (CLIP, 2021): row i of ``a`` must find row i of ``b`` among all rows, and back.

    Args:
        a: features ``p h``, of any length.
        b: features ``p h`` of the same items.
        temperature: divides the cosines.
        scale: ``q``, multiplies the logits of each row in both directions.
        own: the rows that are searched for; None for all p of them.

    Returns:
        ``q`` losses, the mean of both directions.

    Example:
        >>> infonce(torch.eye(2), torch.eye(2), temperature=1.0)  # log(1 + exp(-1))
        tensor([0.3133, 0.3133])
    """
    forward, backward, own = _both_ways(a, b, temperature, scale, own)
    return (F.cross_entropy(forward, own, reduction="none") + F.cross_entropy(backward, own, reduction="none")) / 2


def paper_contrastive(
    a: Tensor, b: Tensor, temperature: float | Tensor, scale: Tensor | None = None, own: Tensor | None = None
) -> Tensor:
    """Equation 2 of SCALE (CVPR 2022): both directions share one denominator, which leaves the positive out.

    It has no lower bound: it falls below zero as the positive outgrows the negatives. Arguments and result as for
    :func:`infonce`, with at least two rows: a row alone has no negative.

    Example:
        >>> paper_contrastive(torch.eye(2), torch.eye(2), temperature=1.0)  # log(2 exp(0)) - 1
        tensor([-0.3069, -0.3069])
    """
    forward, backward, own = _both_ways(a, b, temperature, scale, own)
    hit = places(own, len(a))
    # The sum in the denominator of Eq. 2: negatives of both directions, the positive in neither.
    negatives = torch.cat([forward.masked_fill(hit, -torch.inf), backward.masked_fill(hit, -torch.inf)], dim=1)
    return negatives.logsumexp(dim=1) - forward.gather(1, own[:, None]).squeeze(1)


def ntxent(
    a: Tensor, b: Tensor, temperature: float | Tensor, scale: Tensor | None = None, own: Tensor | None = None
) -> Tensor:
    """NT-Xent (SimCLR, 2020) over the 2p rows of both: the negatives include rows of the same modality.

    Arguments and result as for :func:`infonce`.

    Example:
        >>> ntxent(torch.eye(2), torch.eye(2), temperature=1.0)  # log(1 + 2 exp(-1))
        tensor([0.5514, 0.5514])
    """
    both = torch.cat([a, b])
    searched = both if own is None else torch.cat([a[own], b[own]])
    own = torch.arange(len(a), device=a.device) if own is None else own
    logits = cosines(searched, both) / temperature
    if scale is not None:
        logits = logits * scale.repeat(2)[:, None]
    # No row may find itself, with a cosine of 1.
    logits = logits.masked_fill(places(torch.cat([own, own + len(a)]), len(both)), -torch.inf)
    # The positive of a row is the row of the same item in the other half.
    partner = torch.cat([own + len(a), own])
    return F.cross_entropy(logits, partner, reduction="none").view(2, len(own)).mean(dim=0)


def supervised_contrastive(features: Tensor, target: Tensor, temperature: float, own: Tensor | None = None) -> Tensor:
    """Supervised contrastive loss, ``L_out`` of Khosla et al. (2020): all items of a class are positives.

    Args:
        features: ``b h``.
        target: class numbers ``b``; items with -1 are left out.
        temperature: divides the cosines.
        own: the items ``q`` whose losses are added up; None for all of them.

    Returns:
        Scalar sum over the items that share their class with another one, see :func:`repeated`.

    Example:
        >>> supervised_contrastive(torch.eye(3), torch.tensor([0, 0, 1]), 1.0)  # 2 log(2)
        tensor(1.3863)
        >>> supervised_contrastive(torch.eye(3), torch.tensor([0, 1, -1]), 1.0)
        tensor(0.)
    """
    own = torch.arange(len(target), device=target.device) if own is None else own
    logits = cosines(features[own], features) / temperature
    known = target >= 0
    others = known[own, None] & known & ~places(own, len(target))
    positive = others & (target[own, None] == target)
    # the smallest finite number, not -inf: a row without others would give NaN, in its gradient too
    log_chance = logits.masked_fill(~others, torch.finfo(logits.dtype).min).log_softmax(dim=1)
    count = positive.sum(dim=1)
    each = -log_chance.masked_fill(~positive, 0).sum(dim=1) / count.clamp(min=1)
    return each.sum()


def repeated(target: Tensor) -> Tensor:
    """``b``, True where another item has the same class; classes of -1 are none.

    Example:
        >>> repeated(torch.tensor([0, 0, 1, -1, -1])).tolist()
        [True, True, False, False, False]
    """
    return ((target[:, None] == target).sum(1) > 1) & (target >= 0)


def weighted_cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Cross entropy: the weighted sum over the rows that count.

    Args:
        logits: ``n k``.
        target: class numbers ``n``; rows with -1 do not count.
        weight: ``n``, multiplies each row's loss.
        label_smoothing: the share of a target that is spread over all classes.

    Example:
        >>> weighted_cross_entropy(torch.zeros(3, 4), torch.tensor([1, -1, 2]), torch.tensor([1.0, 9.0, 0.0]))
        tensor(1.3863)
        >>> weighted_cross_entropy(torch.zeros(1, 4), torch.tensor([-1]))
        tensor(0.)
    """
    each = F.cross_entropy(_wide(logits), target, reduction="none", ignore_index=-1, label_smoothing=label_smoothing)
    return _sum(each, weight)


def weighted_mse(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared error: the mean over e, then the weighted sum over the n rows.

    Args:
        prediction: ``n e``.
        target: ``n e``.
        weight: ``n``, multiplies each row's loss.

    Example:
        >>> weighted_mse(torch.zeros(2, 2), torch.tensor([[1.0, 3.0], [2.0, 2.0]]), torch.tensor([1.0, 0.5]))
        tensor(7.)
        >>> weighted_mse(torch.zeros(0, 2), torch.zeros(0, 2))
        tensor(0.)
    """
    each = F.mse_loss(_wide(prediction), _wide(target), reduction="none").mean(dim=1)
    return _sum(each, weight)


def no_loss(anchor: Tensor) -> Tensor:
    """A zero that backward can be called on: it depends on ``anchor`` and gives it a gradient of zeros.

    Example:
        >>> no_loss(torch.tensor([torch.inf, torch.nan]))
        tensor(0.)
    """
    # not anchor.sum() * 0: infinity times 0 is NaN
    return anchor[:0].sum()


def places(own: Tensor, size: int) -> Tensor:
    """``q size`` bool, True in each row at its place ``own`` (``q``).

    Example:
        >>> places(torch.tensor([1, 0]), 3).int().tolist()
        [[0, 1, 0], [1, 0, 0]]
    """
    return own[:, None] == torch.arange(size, device=own.device)


def _both_ways(
    a: Tensor, b: Tensor, temperature: float | Tensor, scale: Tensor | None, own: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The logits of ``a`` searching ``b``, and of ``b`` searching ``a``, and where in a row its own item stands."""
    if own is None:
        # One product serves both directions where all rows are searched for.
        forward = cosines(a, b) / temperature
        backward, own = forward.mT, torch.arange(len(a), device=a.device)
    else:
        forward, backward = cosines(a[own], b) / temperature, cosines(b[own], a) / temperature
    if scale is not None:
        forward, backward = forward * scale[:, None], backward * scale[:, None]
    return forward, backward, own


def _sum(each: Tensor, weight: Tensor | None) -> Tensor:
    """The sum of the losses, each times its weight."""
    return each.sum() if weight is None else (each * weight).sum()


def _wide(values: Tensor) -> Tensor:
    """The values in single precision at least; double stays double."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
