"""What pictures look like, without learning: colour histograms, oriented gradients, colour moments.

Shape letters: n picture, h height, w width, g cells along a side, k bins. Colours are floats from 0 to 1.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

GREY = 1e-6
"""A colour whose channels differ by less has no hue."""
FAINT = 1e-2
"""Gradients weaker than this are noise: local contrast is not normalised below it."""


def oriented_gradients(pictures: Tensor, cells: int, bins: int) -> Tensor:
    """Strength of the edges of each direction in each cell, over the strength around it (HOG, Dalal and Triggs 2005).

    Args:
        pictures: ``n 3 h w``.
        cells: cells along a side.
        bins: directions, over half a turn: light to dark counts as dark to light.

    Returns:
        ``n bins cells cells``.
    """
    grey = pictures.mean(1, keepdim=True)
    across = F.pad(grey[..., 2:] - grey[..., :-2], (1, 1))
    down = F.pad(grey[..., 2:, :] - grey[..., :-2, :], (0, 0, 1, 1))
    strength = (across.square() + down.square()).sqrt()
    direction = torch.atan2(down, across).remainder(math.pi) / math.pi * bins
    steps = (direction - torch.arange(bins, device=grey.device).view(1, -1, 1, 1)).abs()
    steps = torch.minimum(steps, bins - steps)
    # a direction between two bins counts in both, so that a slight turn changes little
    maps = F.adaptive_avg_pool2d((1 - steps).clamp(min=0) * strength, cells)
    energy = F.pad(maps.square().sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    return maps / (F.avg_pool2d(energy, 3, stride=1) + FAINT**2).sqrt()


def colour_histogram(pictures: Tensor, bins: tuple[int, int, int]) -> Tensor:
    """Square roots of the shares of pixels in each bin of hue, saturation and value, ``n k`` (Hellinger kernel)."""
    hues, saturations, values = hue_saturation_value(pictures)
    place = _bin(hues, bins[0]) * bins[1] * bins[2] + _bin(saturations, bins[1]) * bins[2] + _bin(values, bins[2])
    place = place.flatten(1)
    counts = torch.zeros(pictures.shape[0], math.prod(bins), device=pictures.device)
    counts.scatter_add_(1, place, torch.ones_like(place, dtype=counts.dtype))
    return (counts / place.shape[1]).sqrt()


def hue_saturation_value(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Three maps ``n h w`` from 0 to 1; grey has hue 0.

    Example:
        >>> green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
        >>> [round(float(part), 3) for part in hue_saturation_value(green)]
        [0.333, 1.0, 1.0]
    """
    value, strongest = pictures.max(1)
    chroma = value - pictures.min(1).values
    red, green, blue = pictures.unbind(1)
    safe = chroma.clamp(min=GREY)
    sixths = torch.where(strongest == 1, (blue - red) / safe + 2, (red - green) / safe + 4)
    sixths = torch.where(strongest == 0, ((green - blue) / safe).remainder(6), sixths)
    hue = torch.where(chroma < GREY, torch.zeros_like(sixths), sixths / 6)
    return hue, chroma / value.clamp(min=GREY), value


def colour_moments(pictures: Tensor, cells: int) -> Tensor:
    """Mean and deviation of each channel in each cell, ``n 6 cells cells``."""
    mean = F.adaptive_avg_pool2d(pictures, cells)
    variance = F.adaptive_avg_pool2d(pictures.square(), cells) - mean.square()
    return torch.cat([mean, variance.clamp(min=GREY).sqrt()], dim=1)


def _bin(values: Tensor, count: int) -> Tensor:
    return (values * count).long().clamp(0, count - 1)
