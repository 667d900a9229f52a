"""The sum of the losses, as the config weighs them: the baseline of every other balancer."""

import torch
from torch import Tensor

from m5kit.balancers.base import Balancer
from m5kit.registry import BALANCERS


@BALANCERS.register_module("fixed")
class FixedBalancer(Balancer):
    """Leaves the losses as they are; each task's own ``weight`` decides (SCALE, CVPR 2022, Eq. 3).

    Example:
        >>> FixedBalancer().factors(torch.tensor([True, False]))
        tensor([1., 1.])
    """

    logs_factors = False

    def __init__(self) -> None:
        super().__init__()

    def factors(self, present: Tensor) -> Tensor:
        """Ones; shapes as in :meth:`Balancer.factors`."""
        return torch.ones(present.shape, device=present.device)
