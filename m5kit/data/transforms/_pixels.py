"""Resizing and cropping of pictures and clips, in bytes: ``... 3 h w`` uint8 in, ``... 3 size size`` uint8 out."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from m5kit.errors import ConfigError

THIN = 16
"""How many times longer than wide a picture may be before its ends are cut in front of the resize, not after it."""

Box = tuple[int, int, int, int]
"""Top, left, height, width."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How pixels become a square.

    Attributes:
        size: side of the square.
        fit: what happens to the longer side outside training: ``crop`` cuts the ends, ``pad`` shows all on a grey
            ground, ``stretch`` gives up the proportions.
        crop: share of the area that a random crop in training keeps, from and to; (1, 1) crops nothing at random.
        flip: chance that training mirrors left and right.
    """

    size: int
    fit: str
    crop: tuple[float, float]
    flip: float

    def __post_init__(self) -> None:
        problems = [] if self.size > 0 else [f"size: expected a positive number of pixels, got {self.size}"]
        if self.fit not in ("crop", "pad", "stretch"):
            problems.append(f"fit: expected crop, pad or stretch, got {self.fit!r}")
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            problems.append(f"crop: expected two shares of the area, rising, at most 1, got {list(self.crop)}")
        if not 0 <= self.flip <= 1:
            problems.append(f"flip: expected a chance between 0 and 1, got {self.flip}")
        if problems:
            raise ConfigError(problems)

    def __call__(self, pixels: Tensor, generator: np.random.Generator | None) -> Tensor:
        """Frame ``n 3 h w``, all n alike."""
        if generator is None or self.crop == (1.0, 1.0):
            framed = self._whole(pixels)
        else:
            top, left, height, width = random_box(pixels.shape[-2], pixels.shape[-1], self.crop, generator)
            framed = resize(pixels[..., top : top + height, left : left + width], self.size, self.size)
        mirrored = generator is not None and generator.random() < self.flip
        return (framed.flip(-1) if mirrored else framed).contiguous()

    def _whole(self, pixels: Tensor) -> Tensor:
        height, width = pixels.shape[-2:]
        if self.fit == "stretch":
            return resize(pixels, self.size, self.size)
        scale = self.size / (min if self.fit == "crop" else max)(height, width)
        if self.fit == "crop" and max(height, width) > THIN * min(height, width):
            # A line of 1 x 5,000 pixels, enlarged before it is cut, would need a gigabyte: cut the ends first.
            height, width = min(height, THIN * width), min(width, THIN * height)
            pixels = _cut_ends(pixels, height, width)
        scaled = resize(pixels, max(round(height * scale), 1), max(round(width * scale), 1))
        return _centred(scaled, self.size)


def _cut_ends(pixels: Tensor, height: int, width: int) -> Tensor:
    """The middle of ``n 3 h w``."""
    top, left = (pixels.shape[-2] - height) // 2, (pixels.shape[-1] - width) // 2
    return pixels[..., top : top + height, left : left + width]


def resize(pixels: Tensor, height: int, width: int) -> Tensor:
    """Resize ``n 3 h w`` uint8 with antialiasing, in bytes (torch has a fast kernel for them)."""
    if pixels.shape[-2:] == (height, width):
        return pixels
    return F.interpolate(pixels, (height, width), mode="bilinear", antialias=True, align_corners=False)


def random_box(height: int, width: int, share: tuple[float, float], generator: np.random.Generator) -> Box:
    """A random box of a share of the area and of an aspect between 3:4 and 4:3 of the picture's own.

    Example:
        >>> random_box(10, 20, (1.0, 1.0), np.random.default_rng(0))[2:] <= (10, 20)
        True
    """
    area, stretch = generator.uniform(*share), np.exp(generator.uniform(np.log(3 / 4), np.log(4 / 3)))
    tall = min(max(round(height * np.sqrt(area * stretch)), 1), height)
    wide = min(max(round(width * np.sqrt(area / stretch)), 1), width)
    return int(generator.integers(height - tall + 1)), int(generator.integers(width - wide + 1)), tall, wide


def as_channels(pixels: NDArray[np.uint8]) -> Tensor:
    """``n h w 3`` to ``n 3 h w`` without moving a byte: the resize is fast on this layout."""
    if pixels.transpose(0, 3, 1, 2).flags.c_contiguous:  # stored in that order
        return torch.from_numpy(pixels.transpose(0, 3, 1, 2))
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)


def _centred(pixels: Tensor, size: int) -> Tensor:
    """Cut or pad (with mid grey) both sides evenly to a square."""
    top, left = (pixels.shape[-2] - size) // 2, (pixels.shape[-1] - size) // 2
    if top >= 0 and left >= 0:
        return pixels[..., top : top + size, left : left + size]
    below, right = size - pixels.shape[-2] + top, size - pixels.shape[-1] + left
    return F.pad(pixels, (-left, right, -top, below), value=127)
