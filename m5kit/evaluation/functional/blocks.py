"""Blocks of vectors and of their scores, on any device."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def as_tensor(block: NDArray[np.float32], device: torch.device) -> Tensor:
    """A block on the device; copied if torch would warn, because a memory-mapped array may be read-only."""
    return torch.from_numpy(block if block.flags.writeable else block.copy()).to(device)


def hide_own(scores: Tensor, own: Tensor) -> None:
    """Give minus infinity to the gallery item that is the query itself.

    Args:
        scores: ``q g``.
        own: ``q``, its column; another number if it has none.
    """
    rows = ((own >= 0) & (own < scores.shape[1])).nonzero().squeeze(1)
    scores[rows, own[rows]] = -torch.inf
