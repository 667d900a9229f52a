"""Items that do not belong together: draws on the host of whose modality is put in whose place."""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def draw_columns(present: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A modality to exchange, at random, for each item that keeps another one and finds it in another item.

    Args:
        present: ``b m`` bool on the host; a column that must not be exchanged may be set to False by the caller, but
            then no longer counts as one that the item keeps.
        generator: on the host.

    Returns:
        ``n`` items and ``n`` columns.

    Example:
        >>> present = torch.tensor([[True, True], [True, False], [False, True]])
        >>> draw_columns(present, torch.Generator().manual_seed(0))[0]
        tensor([0])
    """
    possible = present & (present.sum(0) >= 2) & (present.sum(1, keepdim=True) >= 2)
    items = possible.any(1).nonzero().squeeze(1)
    return items, _draw(possible[items].float(), generator)


def draw_donors(
    present: Tensor, items: Tensor, columns: Tensor, generator: torch.Generator, likeness: Tensor | None = None
) -> Tensor:
    """For each of n items another item that has the modality in its column.

    Args:
        present: ``b m`` bool on the host.
        items: ``n``.
        columns: ``n``; somebody else must have that modality.
        generator: on the host.
        likeness: ``n b`` on the host, logarithms of the chances; None for equal ones.

    Returns:
        ``n`` items.

    Example:
        >>> present = torch.tensor([[True, True], [True, False], [False, True]])
        >>> draw_donors(present, torch.tensor([0, 0]), torch.tensor([0, 1]), torch.Generator())
        tensor([1, 2])
    """
    possible = present[:, columns].T.clone()  # n b
    possible[torch.arange(len(items)), items] = False
    if likeness is None:
        return _draw(possible.float(), generator)
    return _draw(likeness.masked_fill(~possible, -torch.inf).softmax(1), generator)


def likeness_to_the_rest(features: Tensor, items: Tensor, columns: Tensor) -> Tensor:
    """Cosine of every item's modality in a column with what n items keep when they give that modality away.

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


def _draw(chances: Tensor, generator: torch.Generator) -> Tensor:
    if len(chances) == 0:
        return torch.zeros(0, dtype=torch.int64)
    return torch.multinomial(chances, 1, generator=generator).squeeze(1)
