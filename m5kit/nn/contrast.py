"""Contrastive losses beyond a softmax over the batch: sigmoid, several positives, chosen negatives, many modalities.

All give a loss for every row, or for the rows ``own`` alone, in single precision at least, as those of
:mod:`m5kit.nn.losses` do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from m5kit.nn.losses import cosines, places


def sigmoid_contrastive(
    a: Tensor, b: Tensor, temperature: float | Tensor, bias: float | Tensor, own: Tensor | None = None
) -> Tensor:
    """Sigmoid loss of SigLIP (Zhai et al., ICCV 2023, equation 1): each pair of rows is judged by itself.

    No row competes with the others, so a small batch is no easier than a large one.

    Args:
        a: features ``p h``, of any length.
        b: features ``p h`` of the same items.
        temperature: divides the cosines; the paper starts at 0.1.
        bias: is added; the paper starts at -10, as most pairs are negatives.
        own: the rows ``q`` that are searched for; None for all of them.

    Returns:
        ``q`` losses: each row's with all of ``b``, and each column's, halved.

    Example:
        >>> sigmoid_contrastive(torch.eye(2), torch.eye(2), 1.0, 0.0)  # log(1 + exp(-1)) + log(2)
        tensor([1.0064, 1.0064])
    """
    if own is None:
        # One matrix of pairs serves both directions where all rows are searched for.
        each = _judged(a, b, temperature, bias, torch.arange(len(a), device=a.device))
        return (each.sum(dim=1) + each.sum(dim=0)) / 2
    rows, columns = _judged(a[own], b, temperature, bias, own), _judged(b[own], a, temperature, bias, own)
    return (rows.sum(dim=1) + columns.sum(dim=1)) / 2


def _judged(a: Tensor, b: Tensor, temperature: float | Tensor, bias: float | Tensor, own: Tensor) -> Tensor:
    """Losses ``q p`` of all pairs of rows, of which those at ``own`` belong together."""
    logits = cosines(a, b) / temperature + bias
    # z of Eq. 1: 1 for a pair that belongs together, else -1.
    sign = 2 * places(own, len(b)).float() - 1
    return -F.logsigmoid(sign * logits)


def chosen_infonce(logits: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """InfoNCE of every row over columns that may be positives, negatives or neither.

    Of several positives each is found against the negatives alone and their losses are averaged, as in ``L_out`` of
    Khosla et al. (2020), whose other positives stand in the denominator; here they do not push each other away.

    Args:
        logits: ``p q``.
        positive: ``p q`` bool.
        negative: ``p q`` bool, disjoint from ``positive``.

    Returns:
        ``p`` losses; 0 for a row without a positive or without a negative.

    Example:
        >>> logits = torch.tensor([[1.0, 1.0, 0.0, 9.0]])
        >>> positive = torch.tensor([[True, True, False, False]])
        >>> negative = torch.tensor([[False, False, True, False]])
        >>> chosen_infonce(logits, positive, negative)  # log(1 + exp(-1)), the last column left out
        tensor([0.3133])
    """
    # Finite: logsumexp of nothing but -inf has a gradient of NaN.
    lowest = torch.finfo(logits.dtype).min
    others = logits.masked_fill(~negative, lowest).logsumexp(dim=1, keepdim=True)
    # -log(exp(p) / (exp(p) + sum exp(negatives))) for each positive p by itself.
    each = F.softplus(others - logits).masked_fill(~positive, 0)
    loss = each.sum(dim=1) / positive.sum(dim=1).clamp(min=1)
    return loss * negative.any(dim=1)


def choose_negatives(
    similarity: Tensor, own: Tensor, candidate: Tensor, *, margin: float | None = None, hardest: int | None = None
) -> Tensor:
    """Which candidates serve as negatives: not those that look like the item itself, and of the rest the hardest.

    Args:
        similarity: cosines ``p q`` without gradient.
        own: ``p``, the cosine of each row with its positive.
        candidate: ``p q`` bool.
        margin: candidates with a cosine above ``own - margin`` count as false negatives; None keeps all. The filter is
            that of NV-Retriever (Moreira et al., arXiv 2407.15831, section 3, "TopK-MarginPos").
        hardest: how many of the remaining ones are kept, the most similar; None keeps all.

    Example:
        >>> cosine, everything = torch.tensor([[0.9, 0.4, 0.6, 0.1]]), torch.tensor([[False, True, True, True]])
        >>> choose_negatives(cosine, torch.tensor([0.9]), everything, margin=0.4, hardest=1)
        tensor([[False,  True, False, False]])
    """
    chosen = candidate
    if margin is not None:
        chosen = chosen & (similarity <= own[:, None] - margin)
    if hardest is None or hardest >= similarity.shape[1]:
        return chosen
    # Where fewer remain than are kept, the least is -inf, and all of them stay.
    ranked = similarity.masked_fill(~chosen, -torch.inf)
    least = ranked.topk(hardest, dim=1).values[:, -1:]
    return chosen & (ranked >= least)


def symile(features: Sequence[Tensor], temperature: float | Tensor, own: Tensor | None = None) -> Tensor:
    """Symile (Saporta et al., NeurIPS 2024, equation 3): many modalities at once by their multilinear product.

    Row i of one modality must find the others' rows i by the sum over h of the product of all. A negative for it takes
    row j of the next modality and rows further on of the rest: of one item no two, so that a pair that fits tells
    nothing (the paper's O(n) negatives, which it shuffles, here in a fixed order).

    Args:
        features: three or more of ``p h``, of any length.
        temperature: divides the products.
        own: the rows ``q`` that are asked for the others; None for all of them.

    Returns:
        ``q`` losses, the mean over which modality is asked for the others.

    Example:
        >>> symile([torch.eye(2) * 3] * 3, temperature=1.0)  # log(1 + exp(-1)): no wrong row fits
        tensor([0.3133, 0.3133])
    """
    units = [F.normalize(each.float(), dim=-1) for each in features]
    own = torch.arange(len(units[0]), device=units[0].device) if own is None else own
    losses = []
    for asked in range(len(units)):
        others = units[asked + 1 :] + units[:asked]
        right, wrong = others[0], others[0]
        for shift, other in enumerate(others[1:], start=1):
            right = right * other
            wrong = wrong * other.roll(-shift, dims=0)
        asking = units[asked][own]
        logits = asking @ wrong.mT
        # The right row of each stands where its own number is, in place of a wrong one.
        logits = torch.where(places(own, len(right)), (asking * right[own]).sum(dim=1)[:, None], logits) / temperature
        losses.append(F.cross_entropy(logits, own, reduction="none"))
    return torch.stack(losses).mean(dim=0)


def volumes(anchor: Tensor, others: Sequence[Tensor]) -> Tensor:
    """Volumes ``p q`` spanned by row i of ``anchor`` and rows j of ``others``, all at unit length.

    The determinant of the Gram matrix is the square of the volume: 0 where all point in one direction, 1 where all are
    at right angles.

    Args:
        anchor: ``p h``.
        others: each ``q h``.

    Example:
        >>> volumes(torch.eye(3)[:1], [torch.eye(3)[1:2], torch.eye(3)[2:]]).round(decimals=2)
        tensor([[1.]])
    """
    first = F.normalize(anchor.float(), dim=-1)
    rest = torch.stack([F.normalize(each.float(), dim=-1) for each in others], dim=1)  # q k h
    # det of [[1, c], [c^T, G]] is det(G) (1 - c G^-1 c^T); the Schur complement needs one small solve a row of q
    # a little on the diagonal keeps it solvable where two modalities coincide
    inner = rest @ rest.mT + 1e-4 * torch.eye(rest.shape[1], device=rest.device)
    beside = torch.einsum("ph,qkh->qkp", first, rest)
    explained = (beside * torch.linalg.solve(inner, beside)).sum(dim=1).mT
    squared: Tensor = torch.linalg.det(inner) * (1 - explained)
    # Rounding may make it negative, and at zero the root has an infinite slope.
    return squared.clamp(min=1e-8).sqrt()


def gram(features: Sequence[Tensor], temperature: float | Tensor, own: Tensor | None = None) -> Tensor:
    """GRAM (Cicchetti et al., ICLR 2025, equations 6 and 7): all modalities of an item span a small volume.

    The first modality is the anchor: among all items' other modalities it must find those with which it spans the least
    volume, and they must find it.

    Args:
        features: two or more of ``p h``, of any length; the anchor first.
        temperature: divides the volumes.
        own: the rows ``q`` that are searched for; None for all of them.

    Returns:
        ``q`` losses, the mean of both directions.

    Example:
        >>> gram([torch.eye(2), torch.eye(2), torch.eye(2)], temperature=1.0).shape
        torch.Size([2])
    """
    anchor, *others = features
    # Negative volumes are the logits: what belongs together spans the least.
    if own is None:
        forward = -volumes(anchor, others) / temperature
        backward, own = forward.mT, torch.arange(len(anchor), device=anchor.device)
    else:
        forward = -volumes(anchor[own], others) / temperature
        backward = -volumes(anchor, [each[own] for each in others]).mT / temperature
    return (F.cross_entropy(forward, own, reduction="none") + F.cross_entropy(backward, own, reduction="none")) / 2
