"""Made-up items of which one modality comes from an item that another process holds."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from m5kit.api import Fused, Harmonizer, Tokens, View
from m5kit.tasks.base import Swap


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What the fusion reads of n made-up items.

    Attributes:
        tokens: by modality, ``n l d``.
        features: ``n m h``.
        link: a scalar 0 from which backward reaches everything that was fetched. All processes must go back through it,
            also one whose own items want nothing: others wait for the gradients of what they lent. None if nothing was.
    """

    tokens: dict[str, Tokens]
    features: Tensor
    link: Tensor | None


@dataclass(frozen=True, slots=True)
class Loan:
    """What some made-up items have of their donors: one modality.

    Attributes:
        places: ``n``, which of the made-up items.
        tokens: ``n l d``, those of the donors.
        features: ``n h``, likewise; without a graph if no weights follow them.
    """

    places: Tensor
    tokens: Tokens
    features: Tensor


@dataclass(frozen=True, slots=True)
class SwapTable:
    """What all processes know of each other's made-up items. On the host, a row for each of the B items.

    Attributes:
        columns: ``B``, the modality that is exchanged in an item, or -1.
        donors: ``B``, the item that it comes from, or -1.
        lengths: ``B m``, of the items' own tokens.
    """

    columns: Tensor
    donors: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, view: View, swap: Swap) -> "SwapTable":
        """Exchange the made-up items of all processes."""
        own = torch.full((len(view.present), 2 + len(view.modalities)), -1)
        own[swap.items, 0], own[swap.items, 1] = swap.columns, swap.donors
        for column, m in enumerate(view.modalities):
            own[:, 2 + column] = view.encoded[m].lengths if m in view.encoded else 0
        every = view.peers.host_rows(own)
        return cls(every[:, 0], every[:, 1], every[:, 2:])


def make_up(view: View, swap: Swap, width: int, weigh: Harmonizer | None) -> MadeUp:
    """Put made-up items together.

    Args:
        view: of this process's items.
        swap: their donors are places among the items of all processes.
        width: d of the tokens.
        weigh: reads their features; None if nothing does.
    """
    return _of_own(view, swap) if view.peers.size == 1 else _of_all(view, swap, width, weigh)


def linked(fused: Fused, link: Tensor | None) -> Fused:
    """The same, so that backward goes on from it to ``link``."""
    if link is None:
        return fused
    return replace(fused, pooled=fused.pooled + link, embedding=fused.embedding + link)


def nothing_fused(view: View, link: Tensor | None, dim: int) -> Fused:
    """What the fusion gives for no items at width ``dim``, so that a process without any takes part in backward."""
    nothing, modalities = view.features.new_zeros, len(view.modalities)
    return linked(Fused({}, nothing(0, modalities, dim), nothing(0, dim), nothing(0, modalities)), link)


def _of_own(view: View, swap: Swap) -> MadeUp:
    """This process holds all donors."""
    device = view.features.device
    tokens, sources = {}, []
    for column, m in enumerate(view.modalities):
        source = swap.sources(column)
        sources.append(source)
        if m in view.encoded:
            tokens[m] = view.encoded[m].select(source)
    rows = torch.stack(sources, dim=1).to(device, non_blocking=True)
    features = view.features[rows, torch.arange(len(view.modalities), device=device)]
    return MadeUp(tokens, features, None)


def _of_all(view: View, swap: Swap, width: int, weigh: Harmonizer | None) -> MadeUp:
    """What donors give is fetched. A process sends what is wanted of it alone, so memory grows with its own items."""
    features = read_features(view, weigh)
    made = features.index_select(0, swap.items.to(features.device, non_blocking=True))
    tokens = {m: own.select(swap.items) for m, own in view.encoded.items()}
    link = features.new_zeros(())
    for m, loan in borrow(view, features, swap, width).items():
        link = link + loan.tokens.values[:0].sum() + (loan.features[:0].sum() if loan.features.requires_grad else 0.0)
        if len(loan.places):
            tokens[m] = _placed(tokens[m], loan.places, loan.tokens)
            made = _replaced(made, view.modalities.index(m), loan.places, loan.features)
    return MadeUp(tokens, made, link)


def read_features(view: View, weigh: Harmonizer | None) -> Tensor:
    """The features ``b m h`` that weights of made-up items follow; as in one process, without a graph if none do."""
    follows = weigh is not None and _follows(weigh, view.features)
    return view.features if follows else view.features.detach()


def borrow(view: View, features: Tensor, swap: Swap, width: int) -> dict[str, Loan]:
    """Fetch what made-up items have of their donors, from whichever process holds these.

    Args:
        view: of this process's items.
        features: ``b m h`` of them.
        swap: of them; donors are places among the items of all processes.
        width: d of the tokens.

    Returns:
        By modality that any process wants, so that all have the same ones in the same order.
    """
    table = SwapTable.of(view, swap)
    loans = {}
    for column, m in enumerate(view.modalities):
        wanted = torch.where(table.columns == column, table.donors, -1)
        if not (wanted >= 0).any():
            continue
        longest = int(table.lengths[:, column].max())
        values = view.peers.take(_lent(view, m, longest, width), wanted)
        places = (swap.columns == column).nonzero().squeeze(1)
        vectors = view.peers.take(features[:, column], wanted)
        tokens = Tokens(values, table.lengths[swap.donors[places], column])
        loans[m] = Loan(places, tokens, vectors if features.requires_grad else vectors.detach())
    return loans


def _follows(weigh: Harmonizer, features: Tensor) -> bool:
    """Whether gradients go through the weights to the features ``b m h``."""
    with torch.enable_grad():
        one = features[:1].detach().clone().requires_grad_()
        weights = weigh(one, torch.ones(one.shape[:2], dtype=torch.bool, device=one.device)).modalities
        return weights.requires_grad and torch.autograd.grad(weights.sum(), one, allow_unused=True)[0] is not None


def _replaced(features: Tensor, column: int, places: Tensor, vectors: Tensor) -> Tensor:
    """``n m h`` with others in one column of the rows ``places`` (host)."""
    there = places.to(features.device, non_blocking=True)
    changed = features[:, column].index_copy(0, there, vectors)
    return features.slice_scatter(changed[:, None], 1, column, column + 1)


def _lent(view: View, modality: str, longest: int, width: int) -> Tensor:
    """This process's tokens ``b l d`` of a modality, as long as the longest of all processes."""
    if modality not in view.encoded:
        return view.features.new_zeros(len(view.present), longest, width)
    # Of one type everywhere: a process without the modality does not know in which it would be encoded.
    return _resized(view.encoded[modality].values, longest).to(view.features.dtype)


def _placed(own: Tokens, places: Tensor, others: Tokens) -> Tokens:
    """Tokens whose rows at ``places`` (host) are others."""
    there = places.to(others.values.device, non_blocking=True)
    kept = _resized(own.values, others.values.shape[1])
    values = kept.index_copy(0, there, others.values.to(kept.dtype))
    return Tokens(values, own.lengths.index_copy(0, places, others.lengths))


def _resized(values: Tensor, size: int) -> Tensor:
    """``b l d`` with padding added or left out behind the real tokens."""
    return values[:, :size] if values.shape[1] >= size else pad(values, (0, 0, 0, size - values.shape[1]))
