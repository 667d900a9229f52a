"""The space in which whole items meet: what their modalities share, and what the fusion adds to it, from zero."""

from torch import Tensor, nn
from torch.nn.functional import normalize


class ItemSpace(nn.Module):
    """The direction of the summed contrastive features, plus a linear function of the fused embedding.

    The addition begins at zero, so an untrained fusion changes nothing: an item is exactly the sum of its parts. What
    the fusion adds later is what a task of its own taught it.

    Args:
        dim: width d of the fused embedding.
        features: width h of the contrastive features.
    """

    def __init__(self, *, dim: int, features: int) -> None:
        super().__init__()
        self.addition = nn.Linear(dim, features, bias=False)
        nn.init.zeros_(self.addition.weight)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Unit vectors ``b h`` of contrastive features ``b m h`` (zeros where absent) and fused embeddings ``b d``."""
        added: Tensor = self.addition(embedding)
        # The sum is taken in float32: half precision rounds a small addition away.
        return normalize(sum_of_parts(features) + added.float(), dim=-1)


def sum_of_parts(features: Tensor) -> Tensor:
    """The direction ``b h`` of the sum of the unit vectors of ``b m h``; zeros for an item with nothing.

    Example:
        >>> import torch
        >>> sum_of_parts(torch.tensor([[[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]))
        tensor([[1., 0.],
                [0., 0.]])
    """
    # Unit length first, or a modality whose features are long would decide the direction alone.
    return normalize(normalize(features.float(), dim=-1).sum(1), dim=-1)
