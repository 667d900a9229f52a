"""All modalities count alike: the baseline of every other harmonizer."""

from torch import Tensor

from m5kit.harmonizers.base import Harmonizer
from m5kit.nn.weighting import both_present, pooled_shares
from m5kit.registry import HARMONIZERS
from m5kit.structures import Harmony


@HARMONIZERS.register_module("uniform")
class UniformHarmonizer(Harmonizer):
    """Weight 1 for whatever is present (row 1 of table 6 in SCALE, CVPR 2022).

    Example:
        >>> import torch
        >>> harmony = UniformHarmonizer()(torch.zeros(1, 3, 4), torch.tensor([[True, False, True]]))
        >>> harmony.tasks, harmony.modalities
        (tensor([[1., 0., 1.]]), tensor([[0.5000, 0.0000, 0.5000]]))
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, features: Tensor, present: Tensor) -> Harmony:
        """Ones where present; shapes as in :meth:`Harmonizer.forward`."""
        pairs = both_present(present).float()
        return Harmony(pairs, present.float(), pooled_shares(pairs, present))
