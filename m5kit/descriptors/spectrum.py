"""Sounds by statistics of their log-mel bands."""

import torch
from torch import Tensor

from m5kit.descriptors.base import Descriptor
from m5kit.nn.pooling import length_mean, segment_means
from m5kit.ranges import Count
from m5kit.registry import DESCRIPTORS
from m5kit.structures import Inputs, length_mask


@DESCRIPTORS.register_module("spectrum")
class SpectrumDescriptor(Descriptor):
    """Mean and deviation of every band, deviation of its change in time, and its course in a few stretches of time.

    Args:
        mels: bands of a time step.
        segments: stretches of equal length in whose means the course is told.
    """

    needs = frozenset({"mels"})

    def __init__(self, *, mels: Count, segments: Count = 8) -> None:
        super().__init__(blocks=(mels, mels, mels, segments * mels))
        self.segments = segments

    def measure(self, inputs: Inputs) -> Tensor:
        """``p w`` from ``p t mels`` steps."""
        real = length_mask(inputs.lengths, inputs.values.shape[1], inputs.values.device)[..., None]
        # In float32 whatever the inputs are: squares of half-precision numbers lose what the deviations are about.
        steps = inputs.values.float().masked_fill(~real, 0.0)
        mean = length_mean(steps, inputs.lengths)
        deviation = length_mean((steps - mean[:, None]).square(), inputs.lengths).sqrt()
        # A sequence of n steps has n - 1 changes; the one from its last step into the padding must not count.
        change = length_mean(steps.diff(dim=1).square(), (inputs.lengths - 1).clamp(min=0)).sqrt()
        course = segment_means(steps, inputs.lengths, self.segments)
        return torch.cat([mean, deviation, change, course.flatten(1)], dim=1)

    @classmethod
    def example(cls) -> tuple["SpectrumDescriptor", Inputs]:
        """A small instance, and three sounds of different lengths."""
        return cls(mels=6, segments=2), Inputs.stack([Inputs.single(torch.randn(length, 6)) for length in (9, 20, 1)])
