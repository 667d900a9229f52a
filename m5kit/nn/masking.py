"""Chooses the tokens to hide, on the host, as pure functions of presence, units and the items' random numbers."""

import torch
from torch import Tensor

from m5kit.errors import ConfigError
from m5kit.nn.draws import Draws

FIRST_ID = 3  # 0 is padding, 1 unknown, 2 mask: none of them may replace a hidden token
KEPT = -1
"""Stands for the true id where :func:`replacement_ids` leaves it."""
KEY, VALUE = 1, 2  # Observation.roles


def unit_draws(real: Tensor, groups: Tensor | None, draws: Draws) -> Tensor:
    """One number in [0, 1) for each unit, the same for all its tokens, so that ``draws < rate`` chooses whole units.

    Args:
        real: ``p l`` bool.
        groups: ``p l``, the unit of each token, -1 for none; None if each token is a unit.
        draws: of the p items.

    Returns:
        ``p l``; 1 in the padding and outside units, which no rate chooses.

    Example:
        >>> groups = torch.tensor([[0, 0, 1, -1]])
        >>> chance = unit_draws(torch.ones(1, 4, dtype=torch.bool), groups, Draws(0, "text", torch.tensor([0])))
        >>> chance[0, 0] == chance[0, 1], chance[0, 3]
        (tensor(True), tensor(1.))
    """
    if groups is None:
        return draws.uniform(real.shape[1]).masked_fill(~real, 1.0)
    units = int(groups.max()) + 1 if groups.numel() else 0
    chances = draws.uniform(max(units, 1))
    # -1 is no index; what is gathered for it is overwritten.
    return chances.gather(1, groups.clamp(min=0)).masked_fill(~real | (groups < 0), 1.0)


def replacement_ids(size: int, vocabulary: int, mask_id: int, shares: tuple[float, float], draws: Draws) -> Tensor:
    """The ids that replace hidden tokens (BERT, 2019: 80 % mask, 10 % random, 10 % unchanged).

    Args:
        size: l, tokens of an item.
        vocabulary: random ids are below this.
        mask_id: the id of a masked token.
        shares: of masked ones and of random ones; the rest keeps its id.
        draws: of the p items.

    Returns:
        ``p l`` int64 on the host, :data:`KEPT` where the true id stays.

    Example:
        >>> replacement_ids(3, 10, 2, (1.0, 0.0), Draws(0, "text", torch.tensor([0])))
        tensor([[2, 2, 2]])
    """
    fate = draws.uniform(size)
    random = draws.integers(FIRST_ID, vocabulary, size)
    return torch.where(fate < shares[0], mask_id, torch.where(fate < sum(shares), random, KEPT))


def hidden_parts(fate: Tensor, roles: Tensor | None, value: float, key: float) -> Tensor:
    """Which tokens of a chosen key-value pair are hidden: those of its value, of its key, or of both.

    Args:
        fate: ``p l`` in [0, 1), the same for all tokens of a pair.
        roles: ``p l``: 0 none, 1 key, 2 value; None if all tokens of a unit are alike, and then all are hidden.
        value: share of pairs whose value alone is hidden.
        key: share of pairs whose key alone is hidden; in the rest both are.

    Example:
        >>> roles = torch.tensor([[1, 0, 2]])
        >>> [hidden_parts(torch.full((1, 3), fate), roles, 0.5, 0.25).int().tolist()[0] for fate in (0.4, 0.6, 0.8)]
        [[0, 0, 1], [1, 0, 0], [1, 0, 1]]
    """
    if roles is None:
        return torch.ones_like(fate, dtype=torch.bool)
    key_alone = (fate >= value) & (fate < value + key)
    return ((roles == VALUE) & ~key_alone) | ((roles == KEY) & (fate >= value))


def hidden_tokens(tokens: Tensor, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
    """The contextual tokens that stand where others were hidden.

    Args:
        tokens: ``b l d``, one more along l than was observed: the summary token comes first.
        rows: ``p`` on the host, the item of each row of the observation.
        positions: ``n`` on the host, flat in the observation's ``p l``.

    Returns:
        tokens ``n d`` and their items ``n``, on the tokens' device.

    Example:
        >>> tokens = torch.arange(8).view(2, 4, 1)
        >>> hidden_tokens(tokens, rows=torch.tensor([1]), positions=torch.tensor([0, 2]))
        (tensor([[5],
                [7]]), tensor([1, 1]))
    """
    observed = max(tokens.shape[1] - 1, 1)
    items = rows[positions // observed].to(tokens.device, non_blocking=True)
    # One place further on, behind the summary token.
    places = (positions % observed + 1).to(tokens.device, non_blocking=True)
    return tokens[items, places], items


def only_rows(clean: Tensor, shown: Tensor, positions: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Undo the hiding outside some items.

    Args:
        clean: ``p l ...``.
        shown: the same with tokens hidden.
        positions: ``n`` on the host, flat in ``p l``, where they are hidden.
        rows: ``p`` bool on the host, the items that stay as shown.

    Returns:
        The values, and which of the ``n`` positions remain, as indices on the host.

    Example:
        >>> clean, shown = torch.tensor([[5, 6], [7, 8]]), torch.tensor([[0, 6], [7, 0]])
        >>> only_rows(clean, shown, torch.tensor([0, 3]), torch.tensor([False, True]))
        (tensor([[5, 6],
                [7, 0]]), tensor([1]))
    """
    remain = rows[positions // clean.shape[1]].nonzero().squeeze(1)
    keep = rows.to(clean.device, non_blocking=True).view(-1, *[1] * (clean.dim() - 1))
    return torch.where(keep, shown, clean), remain


def check_shares(**shares: float) -> None:
    """Refuse shares below 0 or above 1 together.

    Raises:
        ConfigError: a share is below 0, or they sum to more than 1.

    Example:
        >>> check_shares(key=0.7, value=0.4)
        Traceback (most recent call last):
        ...
        m5kit.errors.ConfigError: the config has 1 mistake:
          expected shares from 0 to 1, also in sum, got key=0.7, value=0.4
    """
    if min(shares.values()) < 0 or sum(shares.values()) > 1:
        given = ", ".join(f"{name}={share}" for name, share in shares.items())
        raise ConfigError([f"expected shares from 0 to 1, also in sum, got {given}"])
