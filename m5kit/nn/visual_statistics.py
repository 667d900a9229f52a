"""What pictures look like, without learning: colour histograms, oriented gradients, colour moments.

Shape letters: n picture, h height, w width, g cells along a side, k bins, s stretches of a side. Colours are floats
from 0 to 1, or bytes.
"""

import math
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

STILL = 1e-6
"""Variance of a colour below which it is taken for none."""
FAINT = 1e-2
"""Gradients weaker than this are noise: local contrast is not normalised below it."""
LEVELS = 256
"""Values of a byte."""
DIFFERENCES = 2 * LEVELS - 1
"""Values of the difference of two bytes."""
GREY = (LEVELS - 1) * (DIFFERENCES + 1)
"""The place of no difference between red and green, and none between green and blue."""


def oriented_gradients(pictures: Tensor, cells: int, bins: int) -> Tensor:
    """Strength of the edges of each direction in each cell, over the strength around it (HOG, Dalal and Triggs 2005).

    Args:
        pictures: ``n 3 h w``, floats.
        cells: cells along a side.
        bins: directions, over half a turn: light to dark counts as dark to light.

    Returns:
        ``n bins cells cells``.
    """
    grey = pictures.mean(1)
    across = F.pad(grey[..., 2:] - grey[..., :-2], (1, 1))
    down = F.pad(grey[..., 2:, :] - grey[..., :-2, :], (0, 0, 1, 1))
    turns = torch.atan2(down, across).div_(math.pi)
    direction = turns.sub_(turns.floor()).mul_(bins)  # from 0 to bins; rounding may lead to the very end
    strength = across.square_().add_(down.square_()).sqrt_()
    # Sums on a GPU are added in any order, so one picture would give other bits each time; its maps cost little.
    means = _means_in_place if grey.device.type == "cpu" else _means_of_maps
    maps = means(direction, strength, cells, bins)
    # HOG's normalisation by the 3 x 3 cells around: edges of a dim picture count as those of a bright one.
    energy = F.pad(maps.square().sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    return maps / (F.avg_pool2d(energy, 3, stride=1) + FAINT**2).sqrt()


def _means_of_maps(direction: Tensor, strength: Tensor, cells: int, bins: int) -> Tensor:
    """Mean strength of each direction in each cell, ``n bins g g``, of maps ``n h w``, by a map for each direction."""
    pooled = []
    for number in range(bins):
        steps = (direction - number).abs()
        if number == 0:  # the last direction is next to the first
            steps = torch.minimum(steps, bins - steps)
        # a direction between two bins counts in both, so that a slight turn changes little
        pooled.append(F.adaptive_avg_pool2d((1 - steps).clamp(min=0) * strength, cells))
    return torch.stack(pooled, dim=1)


def _means_in_place(direction: Tensor, strength: Tensor, cells: int, bins: int) -> Tensor:
    """The same by adding each pixel to the two directions that it lies between: a quarter of the time of the maps."""
    (n, height, width), slots = strength.shape, bins + 1  # the last slot is the first direction again
    (rows, down), (columns, across) = _stretches(height, cells), _stretches(width, cells)
    first = direction.floor()
    stretch = torch.tensor(rows)[:, None] * len(across[0]) + torch.tensor(columns)
    place = first.long().add_(stretch * slots).flatten(1)
    following = (direction - first).mul_(strength).flatten(1)
    shape = (n, len(down[0]), len(across[0]), slots)
    sums = strength.new_zeros(n, math.prod(shape[1:]))
    nearer = sums.scatter_add(1, place, strength.flatten(1) - following).view(shape)
    farther = sums.scatter_add(1, place, following).view(shape)
    around = farther.roll(1, dims=3)[..., :bins]  # what was for the direction after, and that of the last slot nothing
    maps = nearer[..., :bins] + around + F.pad(nearer[..., bins:] + farther[..., bins - 1 : bins], (0, bins - 1))
    return torch.einsum("nyxk,gy,hx->nkgh", maps, torch.tensor(down), torch.tensor(across))


@lru_cache(maxsize=64)
def _stretches(size: int, cells: int) -> tuple[list[int], list[list[float]]]:
    """How cells lie along a side of ``size`` pixels as adaptive pooling takes them, where neighbours may share a pixel.

    Returns:
        The stretch of each pixel, such that no cell begins or ends within a stretch; and ``g s``, by what the sum of a
        stretch is multiplied in the mean of a cell.

    Example:
        >>> _stretches(3, 2)
        ([0, 1, 2], [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]])
    """
    spans = [(cell * size // cells, -(-(cell + 1) * size // cells)) for cell in range(cells)]
    edges = sorted(set(chain.from_iterable(spans)))
    pixels: list[int] = []
    for number, (start, end) in enumerate(pairwise(edges)):
        pixels += [number] * (end - start)
    shares = []
    for first, last in spans:
        inside = [first <= start < last for start in edges[:-1]]
        shares.append([within / (last - first) for within in inside])
    return pixels, shares


def colour_histogram(pictures: Tensor, bins: tuple[int, int, int]) -> Tensor:
    """Square roots of the shares of pixels in each bin of hue, saturation and value, ``n k`` (Hellinger kernel).

    Args:
        pictures: ``n 3 h w``, bytes.
        bins: of hue, saturation and value.
    """
    red, green, blue = pictures.unbind(1)
    most = torch.maximum(torch.maximum(red, green), blue)
    least = torch.minimum(torch.minimum(red, green), blue)
    tables = _colour_tables(bins)
    of_hue, of_shade = (torch.from_numpy(table).to(pictures.device, non_blocking=True) for table in tables)
    # Looked up, not computed: a tenth of the passes over the pixels.
    hues = of_hue.index_select(0, _weighed((DIFFERENCES, red), (1 - DIFFERENCES, green), (-1, blue)).add_(GREY))
    shades = of_shade.index_select(0, _weighed((LEVELS, most), (1, least)))
    place = hues.add_(shades).long().view(pictures.shape[0], -1)
    counts = torch.zeros(pictures.shape[0], math.prod(bins), device=pictures.device)
    counts.scatter_add_(1, place, torch.ones((), device=pictures.device).expand_as(place))
    return (counts / place.shape[1]).sqrt()


def _weighed(*parts: tuple[int, Tensor]) -> Tensor:
    """The sum of maps of bytes times whole numbers, flat."""
    (factor, first), *others = parts
    total = first.int().mul_(factor)
    for number, each in others:
        total.add_(each, alpha=number)
    return total.flatten()


@lru_cache(maxsize=8)
def _colour_tables(bins: tuple[int, int, int]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Where a colour is counted, as the sum of two numbers.

    Returns:
        What its hue adds, by ``(red - green, green - blue)``, from -255, the second fastest; and what saturation and
        value add, by the largest and the least of its three bytes.
    """
    hues, saturations, values = bins
    # Hue is the same for all colours with the same two differences: green may be 0.
    red, blue = np.arange(1 - LEVELS, LEVELS)[:, None], -np.arange(1 - LEVELS, LEVELS)
    most = np.maximum(np.maximum(red, blue), 0)
    chroma = most - np.minimum(np.minimum(red, blue), 0)
    # In whole numbers: a turn has six sixths, each as long as the chroma. Grey has no hue, and must not divide by 0.
    turn = np.maximum(6 * chroma, 1)
    sixths = np.where(red == most, -blue, np.where(most == 0, blue - red + 2 * chroma, red + 4 * chroma)) % turn
    hue = sixths * hues // turn
    most, least = np.arange(LEVELS)[:, None], np.arange(LEVELS)
    chroma = np.maximum(most - least, 0)
    saturation = np.minimum(chroma * saturations // np.maximum(most, 1), saturations - 1)
    value = np.minimum(most * values // (LEVELS - 1), values - 1)
    return (
        (hue * saturations * values).astype(np.int16).ravel(),
        (saturation * values + value).astype(np.int16).ravel(),
    )


def colour_moments(pictures: Tensor, cells: int) -> Tensor:
    """Mean and deviation of each channel in each cell, ``n 6 cells cells``."""
    mean = F.adaptive_avg_pool2d(pictures, cells)
    variance = F.adaptive_avg_pool2d(pictures.square(), cells) - mean.square()
    return torch.cat([mean, variance.clamp(min=STILL).sqrt()], dim=1)
