"""Augmentation of pictures and clips in bytes: all frames of a clip are changed alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from m5kit.arguments import ArgumentGroup
from m5kit.data.transforms._augment import Strength, amounts, check_chances
from m5kit.ranges import Amount, Share

GREY = 127

NOTHING: Mapping[str, Any] = {
    "crop": (1.0, 1.0),
    "flip": 0.0,
    "jitter": 0.0,
    "colour": 0.0,
    "grey": 0.0,
    "rotation": 0.0,
    "blur": 0.0,
    "erase": 0.0,
}
PICTURES: Mapping[str, Mapping[str, Any]] = {
    "none": NOTHING,
    "light": {**NOTHING, "crop": (0.5, 1.0), "flip": 0.5, "jitter": 0.2},
    "strong": {
        "crop": (0.25, 1.0),
        "flip": 0.5,
        "jitter": 0.4,
        "colour": 0.3,
        "grey": 0.1,
        "rotation": 15.0,
        "blur": 0.2,
        "erase": 0.25,
    },
}
"""Amounts by strength, for pictures; those of ``strong`` are about SimCLR's (Chen et al., 2020, appendix A), milder."""

CLIPS: Mapping[str, Mapping[str, Any]] = {
    "none": NOTHING,
    "light": {**PICTURES["light"], "crop": (0.6, 1.0), "jitter": 0.0},
    "strong": {**PICTURES["strong"], "crop": (0.4, 1.0)},
}
"""The same for clips, which lose more by a crop: what moves may leave it."""


@dataclass(frozen=True)
class PictureAugmentation(ArgumentGroup):
    """What is done to pictures in training; None takes the amount of the named strength.

    Args:
        augment: ``none``, ``light`` or ``strong``.
        crop: share of the area that a random crop keeps, from and to; ``[1, 1]`` crops nothing at random.
        flip: chance to mirror left and right; 0 where direction means something.
        jitter: how far brightness and contrast may be off, as a share.
        colour: how far the saturation may be off, as a share; the hue is turned by up to a quarter of it, in
            turns of the colour circle.
        grey: chance to take the colour away.
        rotation: the most degrees, either way.
        blur: chance to blur, with a deviation of .1 to 2 pixels.
        erase: chance to cover a box of 2 to 20 % of the area.
    """

    augment: Strength = "light"
    crop: tuple[Share, Share] | None = None
    flip: Share | None = None
    jitter: Amount | None = None
    colour: Amount | None = None
    grey: Share | None = None
    rotation: Amount | None = None
    blur: Amount | None = None
    erase: Share | None = None

    def resolve(self, presets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """All amounts.

        Raises:
            ConfigError: there is no such strength, or a chance is none.
        """
        given = dict(self.arguments)
        chosen = amounts(presets, given.pop("augment"), given)
        check_chances(**{name: chosen[name] for name in ("flip", "grey", "blur", "erase")})
        return chosen


class PixelChanges:
    """Changes of the pixels of ``n 3 h w`` uint8, after they were framed.

    Args:
        amounts: as :meth:`PictureAugmentation.resolve` gives them.
    """

    def __init__(self, amounts: Mapping[str, Any]) -> None:
        self.jitter, self.colour, self.grey = amounts["jitter"], amounts["colour"], amounts["grey"]
        self.rotation, self.blur, self.erase = amounts["rotation"], amounts["blur"], amounts["erase"]

    def __call__(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        """Changed pixels; what is off draws nothing, so turning one change on leaves those before it as they were."""
        changed = pixels
        if self.jitter:
            changed = self._jittered(changed, generator)
        if self.rotation:
            changed = self._rotated(changed, generator)
        if self.colour:
            changed = self._coloured(changed, generator)
        if self.grey and generator.random() < self.grey:
            changed = _greyed(changed)
        if self.blur and generator.random() < self.blur:
            changed = _blurred(changed, generator)
        if self.erase and generator.random() < self.erase:
            changed = _erased(changed, generator)
        return changed

    def _jittered(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        # about mid-grey, so that contrast alone does not change the brightness
        gain, shift = generator.uniform(1 - self.jitter, 1 + self.jitter), generator.uniform(-1, 1) * self.jitter
        # rounded and clamped before the bytes: a plain cast would wrap 256 to 0, white to black
        changed: Tensor = (pixels.float() - 127.5) * gain + 127.5 * (1 + shift)
        return changed.round().clamp(0, 255).to(torch.uint8)

    def _rotated(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        angle = float(generator.uniform(-self.rotation, self.rotation))
        functional = _functional()
        # corners that come in from outside are grey, as black ones would tell the angle
        turned: Tensor = functional.rotate(
            pixels, angle, interpolation=functional.InterpolationMode.BILINEAR, fill=[float(GREY)] * 3
        )
        return turned

    def _coloured(self, pixels: Tensor, generator: np.random.Generator) -> Tensor:
        saturation = float(generator.uniform(max(0.0, 1 - self.colour), 1 + self.colour))
        # torchvision takes hues as shares of the colour circle, at most half of it either way
        hue = float(generator.uniform(-1, 1) * min(self.colour / 4, 0.5))
        functional = _functional()
        turned: Tensor = functional.adjust_hue(functional.adjust_saturation(pixels, saturation), hue)
        return turned


def _greyed(pixels: Tensor) -> Tensor:
    grey: Tensor = _functional().rgb_to_grayscale(pixels, num_output_channels=3)
    return grey


def _blurred(pixels: Tensor, generator: np.random.Generator) -> Tensor:
    sigma = float(generator.uniform(0.1, 2.0))
    blurred: Tensor = _functional().gaussian_blur(pixels, [5, 5], [sigma, sigma])
    return blurred


def _erased(pixels: Tensor, generator: np.random.Generator) -> Tensor:
    """With a grey box (random erasing, Zhong et al., AAAI 2020)."""
    height, width = pixels.shape[-2:]
    # the ratio is drawn by its logarithm, so that tall and wide boxes are equally likely
    area, aspect = (
        generator.uniform(0.02, 0.2) * height * width,
        np.exp(generator.uniform(np.log(0.3), np.log(1 / 0.3))),
    )
    tall = min(max(round(np.sqrt(area * aspect)), 1), height)
    wide = min(max(round(np.sqrt(area / aspect)), 1), width)
    top, left = int(generator.integers(height - tall + 1)), int(generator.integers(width - wide + 1))
    # the caller's tensor may be a view into a cache
    pixels = pixels.clone()
    pixels[..., top : top + tall, left : left + wide] = GREY
    return pixels


def _functional() -> Any:
    """Torchvision's functions, imported where they are used: they take a second to import."""
    from torchvision.transforms.v2 import functional

    return functional
