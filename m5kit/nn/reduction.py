"""A few principal directions in place of many columns."""

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
        # The buffer is read until it is true and never again: on a GPU each look at it would wait for the device.
        self._ready = self._ready or bool(self.fitted)
        if not self._ready:
            return vectors
        with torch.autocast(vectors.device.type, enabled=False):
            return vectors.float() @ self.directions

    @torch.no_grad()
    def learn(self, vectors: Tensor) -> None:
        """Find the directions of ``n w`` vectors."""
        _, _, found = torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
        kept = found[: self.directions.shape[1]].T
        self.directions.zero_()[:, : kept.shape[1]] = kept
        self.fitted.fill_(True)
