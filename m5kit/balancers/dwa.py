"""Weights from the pace of each loss: a loss that falls slowly counts more. Needs no gradients."""

from collections.abc import Sequence

import torch
from torch import Tensor

from m5kit.balancers.base import Balancer
from m5kit.errors import ConfigError
from m5kit.ranges import Count, Positive
from m5kit.registry import BALANCERS


@BALANCERS.register_module("dwa")
class DwaBalancer(Balancer):
    """Dynamic weight average: a softmax over the ratio of each task's last two mean losses.

    The paper compares epochs; a run of m5kit counts steps, so means are taken over ``window`` steps. Weights are 1
    until two windows are over; they sum to the number of tasks. A task that was not seen in a window keeps its mean.

    Args:
        tasks: names, in order.
        window: steps in a mean.
        temperature: of the softmax; a large one makes weights alike.

    Source: Liu, Johns and Davison, End-to-End Multi-Task Learning with Attention (CVPR 2019), equation 7.
    """

    sums: Tensor
    counts: Tensor
    batches: Tensor
    means: Tensor

    def __init__(self, *, tasks: Sequence[str], window: Count = 50, temperature: Positive = 2.0) -> None:
        super().__init__()
        if window < 1 or temperature <= 0:
            raise ConfigError(
                [f"balancer 'dwa': window must be at least 1 and temperature above 0, got {window}, {temperature}"]
            )
        self.window, self.temperature = window, temperature
        self.register_buffer("sums", torch.zeros(len(tasks)))
        self.register_buffer("counts", torch.zeros(len(tasks)))
        self.register_buffer("batches", torch.zeros(()))
        self.register_buffer("means", torch.zeros(2, len(tasks)))  # of the window before the last, and the last

    def factors(self, present: Tensor) -> Tensor:
        """Softmax over the ratios; shapes as in :meth:`Balancer.factors`."""
        before, last = self.means
        # 1 for a task without two full windows, as if its loss had neither fallen nor risen
        ratio = torch.where((before > 0) & (last > 0), last / before.clamp(min=1e-12), 1.0)
        return (ratio / self.temperature).softmax(0) * len(ratio)

    @torch.no_grad()
    def observe(self, losses: Tensor, norms: Tensor | None, present: Tensor) -> None:
        """Add the step; at the end of a window its mean becomes the last one. No number leaves the device."""
        self.sums += losses * present
        self.counts += present
        self.batches += present.any()
        # Computed at every step and selected with `where`: an `if` would wait for the device.
        full = self.batches >= self.window
        latest = torch.where(self.counts > 0, self.sums / self.counts.clamp(min=1), self.means[1])
        self.means.copy_(torch.where(full, torch.stack([self.means[1], latest]), self.means))
        for buffer in (self.sums, self.counts, self.batches):
            buffer.mul_(~full)
