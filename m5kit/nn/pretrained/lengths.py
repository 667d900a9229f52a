"""Runs a network on texts of very different lengths without computing much padding."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from m5kit.nn.packing import is_padded_layout

TextNetwork: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""From ids ``p l`` and their lengths ``p`` (host) to a summary ``p c`` and tokens ``p l c``."""

CALL_ON_CPU, CALL_ON_DEVICE = 32, 4096
"""What calling a network once more costs, in tokens: a few rows keep a core busy, an accelerator wants many."""
WITH_GRADIENTS = 3
"""How many times that it costs where each call has a gradient of every weight."""


def run_alike(network: TextNetwork, ids: Tensor, lengths: Tensor, *, apart: bool = True) -> tuple[Tensor, Tensor]:
    """Run rows of like length together; what comes out is in the order of the rows.

    Args:
        network: must treat each row by itself.
        ids: ``p l``.
        lengths: ``p`` on the host.
        apart: whether rows may be padded to different lengths; some networks see the padding.

    Returns:
        The summary ``p c`` and the tokens ``p l c``, zeros beyond what the rows of a group have.
    """
    # groups depend on lengths, which a recorded graph must not
    together = not apart or is_padded_layout()
    groups = [] if together else group_alike(lengths, call_cost(ids.device))
    if len(groups) < 2:
        return network(ids, lengths)
    summaries, tokens = [], []
    for rows in groups:
        size = int(lengths[rows[0]]) or 1  # a text of no tokens is padding alone
        summary, values = network(ids[rows.to(ids.device, non_blocking=True), :size], lengths[rows])
        summaries.append(summary)
        tokens.append(pad(values, (0, 0, 0, ids.shape[1] - size)))
    back = torch.cat(groups).argsort().to(ids.device, non_blocking=True)
    return torch.cat(summaries)[back], torch.cat(tokens)[back]


def group_alike(lengths: Tensor, call: int) -> list[Tensor]:
    """Cut rows, sorted by length, where padding and calls together cost least.

    Groups come from long to short, and so do the rows of each.

    Args:
        lengths: ``p`` on the host.
        call: what one more group costs, in tokens.

    Example:
        >>> group_alike(torch.tensor([3, 50, 4, 48]), call=10)
        [tensor([1, 3]), tensor([2, 0])]
    """
    order = lengths.argsort(descending=True, stable=True)
    sizes, count = lengths[order].numpy(), len(lengths)
    # the least cost of the first 0, 1, ..., p rows, and where the last of their groups begins
    least, begins = np.zeros(count + 1, np.int64), np.zeros(count + 1, np.int64)
    rows = np.arange(count)
    for end in range(1, count + 1):
        costs = least[:end] + sizes[:end] * (end - rows[:end])  # a group is padded to its first row
        begins[end] = costs.argmin()
        least[end] = costs[begins[end]] + call
    groups, end = [], count
    while end:
        groups.append(order[begins[end] : end])
        end = int(begins[end])
    return groups[::-1]


def call_cost(device: torch.device) -> int:
    """What one more call costs there, in tokens."""
    cost = CALL_ON_CPU if device.type == "cpu" else CALL_ON_DEVICE
    return cost * WITH_GRADIENTS if torch.is_grad_enabled() else cost
