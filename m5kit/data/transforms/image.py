"""A picture becomes a square of bytes."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms._pixels import Framing, as_channels
from m5kit.data.transforms.base import Transform
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("image")
class ImageTransform(Transform):
    """``h w 3`` uint8 → ``3 size size`` uint8. The encoder normalises, on the device: bytes are cheap to move.

    Args:
        size: side in pixels.
        fit: outside training, ``crop`` the longer side, ``pad`` the shorter or ``stretch``.
        crop: in training, share of the area that a random crop keeps, from and to; ``[1, 1]`` crops nothing at random.
        flip: in training, chance to mirror left and right.
        jitter: in training, how far brightness and contrast may be off, as a share.
    """

    provided = frozenset({"size"})

    def __init__(
        self,
        *,
        size: int,
        fit: str = "crop",
        crop: tuple[float, float] = (0.5, 1.0),
        flip: float = 0.5,
        jitter: float = 0.2,
    ) -> None:
        self.framing = Framing(size, fit, (float(crop[0]), float(crop[1])), flip)
        self.jitter = jitter

    def __call__(self, decoded: NDArray[np.uint8], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one picture."""
        framed = self.framing(as_channels(decoded[None]), generator)[0]
        if generator is not None and self.jitter:
            gain, shift = generator.uniform(1 - self.jitter, 1 + self.jitter), generator.uniform(-1, 1) * self.jitter
            framed = ((framed.float() - 127.5) * gain + 127.5 * (1 + shift)).round().clamp(0, 255).to(torch.uint8)
        return Inputs.single(framed, length=1)

    def blank(self) -> Inputs:
        """A black picture."""
        return Inputs.single(torch.zeros(3, self.framing.size, self.framing.size, dtype=torch.uint8), length=1)

    def provides(self) -> Mapping[str, int]:
        """The side in pixels."""
        return {"size": self.framing.size}

    @classmethod
    def example(cls) -> tuple["ImageTransform", NDArray[np.uint8]]:
        """A colour ramp."""
        return cls(size=16), np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)
