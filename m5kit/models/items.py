"""The space in which whole items meet: what their modalities share, and what the fusion adds to it, from zero."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from m5kit.nn.parts import sum_of_parts


class ItemSpace(nn.Module):
    """The direction of the weighted sum of contrastive features, plus a direction made of the fused embedding.

    The addition has the length ``gate``, which begins at zero: an untrained fusion changes nothing, and an item is
    exactly the sum of its parts. One number decides how much the fusion adds. It follows the gradient of all items, and
    shrinks again where the addition misleads; a linear map that begins at zero grows by the learning rate in every
    step, whatever it is good for, and drowned the sum after a hundred of them.

    Args:
        dim: width d of the fused embedding.
        features: width h of the contrastive features.

    Source: the gate of ReZero (Bachlechner et al., UAI 2021).
    """

    def __init__(self, *, dim: int, features: int) -> None:
        super().__init__()
        self.addition = nn.Linear(dim, features, bias=False)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features: Tensor, embedding: Tensor, trust: Tensor) -> Tensor:
        """Unit vectors ``b h`` of features ``b m h`` (zeros where absent), fused embeddings ``b d``, trust ``b m``."""
        added = normalize(self.addition(embedding).float(), dim=-1)
        # An item with nothing has no trust and stays at zero. Float32: half precision rounds a small addition away.
        some = trust.any(1, keepdim=True)
        return normalize(sum_of_parts(features, trust) + self.gate.float() * added * some, dim=-1)
