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
    grey = pictures.mean(1)
    across = F.pad(grey[..., 2:] - grey[..., :-2], (1, 1))
    down = F.pad(grey[..., 2:, :] - grey[..., :-2, :], (0, 0, 1, 1))
    strength = (across.square() + down.square()).sqrt()
    direction = torch.atan2(down, across).remainder(math.pi) / math.pi * bins
    pooled = []
    for number in range(bins):  # one map at a time stays in the cache, where all of them do not
        steps = (direction - number).abs_()
        if number == 0:  # the last direction is next to the first
            steps = torch.minimum(steps, bins - steps)
        # a direction between two bins counts in both, so that a slight turn changes little
        pooled.append(F.adaptive_avg_pool2d((1 - steps).clamp_(min=0).mul_(strength), cells))
    maps = torch.stack(pooled, dim=1)
    energy = F.pad(maps.square().sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    return maps / (F.avg_pool2d(energy, 3, stride=1) + FAINT**2).sqrt()


def colour_histogram(pictures: Tensor, bins: tuple[int, int, int]) -> Tensor:
    """Square roots of the shares of pixels in each bin of hue, saturation and value, ``n k`` (Hellinger kernel)."""
    hues, saturations, values = hue_saturation_value(pictures)
    place = (_bin(hues, bins[0]) * bins[1] + _bin(saturations, bins[1])) * bins[2] + _bin(values, bins[2])
    place = place.long().flatten(1)
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
    red, green, blue = pictures.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    safe = chroma.clamp(min=GREY)
    # 0 where a channel is the brightest, else 1: on a CPU products with these take a fifth of the time of torch.where
    not_red, not_green = (value - red).sign_(), (value - green).sign_()
    reddish, greenish, bluish = (green - blue) / safe, (blue - red) / safe + 2, (red - green) / safe + 4
    reddish += 6 * reddish.sign().clamp_(max=0).neg_()  # from 0 to 6, not from -1 to 5
    sixths = (1 - not_green) * greenish + not_green * bluish
    sixths = (1 - not_red) * reddish + not_red * sixths
    hue = (sixths / 6).masked_fill_(chroma < GREY, 0.0)
    return hue, chroma / value.clamp(min=GREY), value


def colour_moments(pictures: Tensor, cells: int) -> Tensor:
    """Mean and deviation of each channel in each cell, ``n 6 cells cells``."""
    mean = F.adaptive_avg_pool2d(pictures, cells)
    variance = F.adaptive_avg_pool2d(pictures.square(), cells) - mean.square()
    return torch.cat([mean, variance.clamp(min=GREY).sqrt()], dim=1)


def _bin(values: Tensor, count: int) -> Tensor:
    """Numbers of bins, as whole floats."""
    return (values * count).floor_().clamp_(max=count - 1)
