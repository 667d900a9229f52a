"""Gaussian noise on what a transform makes of an item."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from m5kit.structures import Inputs


def with_noise(inputs: Inputs, strength: float, generator: np.random.Generator) -> Inputs:
    """Inputs of one item with Gaussian noise on their values.

    Args:
        inputs: as a transform returns them, of any shape; numbers, not ids.
        strength: of the noise, in standard deviations of the item's own values.
        generator: of the item; the numbers drawn do not depend on the strength.

    Returns:
        The same with values of the same type: whole numbers are rounded and kept in the range of their type.
    """
    values = inputs.values
    numbers = values.float()
    drawn = torch.from_numpy(generator.standard_normal(values.shape, dtype=np.float32))
    # correction=0: a single value has a deviation of 0 and stays as it is, instead of becoming NaN
    noisy = torch.add(numbers, drawn, alpha=strength * float(numbers.std(correction=0)))
    return replace(inputs, values=_like(noisy, values))


def _like(noisy: Tensor, values: Tensor) -> Tensor:
    if values.is_floating_point():
        return noisy.to(values.dtype)
    bounds = torch.iinfo(values.dtype)
    return noisy.round().clamp(bounds.min, bounds.max).to(values.dtype)
