"""Draws, on the host, which item gets which modality of which other item, to make mismatched items."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from m5kit.nn.draws import Draws


def exchangeable(present: Tensor, everyone: Tensor | None = None) -> Tensor:
    """``b m``, True where a modality can be exchanged: the item keeps another one, and another item has this one.

    Args:
        present: ``b m`` bool on the host.
        everyone: ``B m``, presence of all items that may give one; None for those of ``present`` alone.

    Example:
        >>> exchangeable(torch.tensor([[True, True], [True, False], [False, True]])).int().tolist()
        [[1, 1], [0, 0], [0, 0]]
    """
    others = present if everyone is None else everyone
    return present & (others.sum(0) >= 2) & (present.sum(1, keepdim=True) >= 2)


def draw_columns(present: Tensor, draws: Draws, everyone: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A random modality to exchange for each item that has one to exchange.

    Args:
        present: ``b m`` bool on the host; a column that must not be exchanged may be set to False by the caller, but
            then no longer counts as one that the item keeps.
        draws: of the b items.
        everyone: ``B m``, presence of all items that may give one; None for those of ``present`` alone.

    Returns:
        ``n`` items and ``n`` columns.

    Example:
        >>> present = torch.tensor([[True, True], [True, False], [False, True]])
        >>> draw_columns(present, Draws(0, "matching", torch.arange(3)))[0]
        tensor([0])
    """
    possible = exchangeable(present, everyone)
    items = possible.any(1).nonzero().squeeze(1)
    # the largest of equally likely numbers: each possible modality has the same chance
    chances = draws.uniform(present.shape[1]).masked_fill(~possible, -1.0)
    return items, chances[items].argmax(1)


def draw_donors(
    present: Tensor,
    items: Tensor,
    columns: Tensor,
    draws: Draws,
    likeness: Tensor | None = None,
    positions: Tensor | None = None,
    first: int = 0,
) -> Tensor:
    """For each of n items, another item that has the modality in its column.

    Args:
        present: ``B m`` bool on the host, of all items that may give one.
        items: ``n``, of the b that something is drawn for.
        columns: ``n``; another item must have that modality.
        draws: of the b items. A donor is drawn by the positions of both, so their order in the batch does not matter.
        likeness: ``n B`` on the host, logarithms of unnormalised probabilities; None for equal ones.
        positions: ``B``; None if the b items are all there are.
        first: where the b items stand among the B.

    Returns:
        ``n`` of the B items.

    Example:
        >>> present = torch.tensor([[True, True], [True, False], [False, True]])
        >>> draw_donors(present, torch.tensor([0, 0]), torch.tensor([0, 1]), Draws(0, "matching", torch.arange(3)))
        tensor([1, 2])
    """
    possible = present[:, columns].T.clone()  # n B
    possible[torch.arange(len(items)), items + first] = False
    if len(items) == 0:
        return items
    # Gumbel's trick: the largest of log-chance + noise is a draw from these chances
    # Clamped: a draw of exactly 0 would make the noise infinite.
    noise = -(-draws.pairs(positions)[items].double().clamp(min=1e-12).log()).log()
    chances = noise if likeness is None else likeness + noise
    return chances.masked_fill(~possible, -torch.inf).argmax(1)


def likeness_to_the_rest(features: Tensor, items: Tensor, columns: Tensor) -> Tensor:
    """Cosine of every item's modality in a column with the remaining modalities of n items.

    Args:
        features: ``b m h``, zeros where absent.
        items: ``n`` on the features' device.
        columns: ``n`` there.

    Returns:
        ``n b``.

    Example:
        >>> features = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
        >>> likeness_to_the_rest(features, torch.tensor([0]), torch.tensor([1]))
        tensor([[1., 0.]])
    """
    units = normalize(features, dim=-1)
    rest = normalize(units[items].sum(1) - units[items, columns], dim=-1)  # n h
    return torch.einsum("nh,bnh->nb", rest, units[:, columns])
