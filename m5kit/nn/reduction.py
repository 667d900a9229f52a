"""A few principal directions in place of many columns."""

from typing import Any

import torch
from torch import Tensor, nn


class Reduction(nn.Module):
    """Keeps the principal directions of a corpus; vectors pass as they are until it has seen one.

    Args:
        width: of the vectors, w.
        kept: directions, k. A corpus with fewer leaves the last columns at zero.
    """

    directions: Tensor
    fitted: Tensor

    def __init__(self, *, width: int, kept: int) -> None:
        super().__init__()
        self.register_buffer("directions", torch.zeros(width, kept))
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))
        self._ready = False

    def forward(self, vectors: Tensor) -> Tensor:
        """``n k`` of ``n w``, not centred."""
        # Read until it is true and never again: a recorded graph cannot ask, and a GPU would be waited for.
        if not self._ready:
            self._ready = bool(self.fitted)
        if not self._ready:
            return vectors
        with torch.autocast(vectors.device.type, enabled=False):
            return vectors.float() @ self.directions

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self._ready = bool(self.fitted)

    @torch.no_grad()
    def learn(self, vectors: Tensor) -> None:
        """Find the directions of ``n w`` vectors."""
        _, _, found = torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
        kept = found[: self.directions.shape[1]].T
        self.directions.zero_()[:, : kept.shape[1]] = kept
        self.fitted.fill_(True)
