"""What an item's modalities say together, each at unit length and as far as it is trusted."""

from torch import Tensor
from torch.nn.functional import normalize


def sum_of_parts(features: Tensor, trust: Tensor) -> Tensor:
    """The direction ``b h`` of the sum of the unit vectors of ``b m h``; zeros for an item with nothing.

    Args:
        features: ``b m h``, of any length; zeros where absent.
        trust: ``b m``, how much each modality counts; 0 where absent.

    Example:
        >>> import torch
        >>> sum_of_parts(torch.tensor([[[3.0, 0.0], [0.0, 2.0]]]), torch.tensor([[0.8, 0.6]]))
        tensor([[0.8000, 0.6000]])
    """
    # Unit length first, or a modality whose features are long would decide the direction alone.
    units = normalize(features.float(), dim=-1)
    return normalize((units * trust[..., None]).sum(1), dim=-1)
