"""The sum of the losses, as the config weighs them: the baseline of every other balancer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.balancers.base import Balanced, Balancer
from m5kit.registry import BALANCERS


@BALANCERS.register_module("fixed")
class FixedBalancer(Balancer):
    """Losses as they are; only each task's own ``weight`` counts (SCALE, CVPR 2022, Eq. 3).

    Example:
        >>> FixedBalancer()([torch.tensor(2.0), torch.tensor(0.5)], torch.tensor([True, True]), []).terms
        tensor([2.0000, 0.5000])
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, losses: Sequence[Tensor], present: Tensor, shared: Sequence[Tensor]) -> Balanced:
        """The losses; shapes as in :meth:`Balancer.forward`."""
        return Balanced(torch.stack(list(losses)))
