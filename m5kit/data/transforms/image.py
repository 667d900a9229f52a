"""A picture becomes a square of bytes."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms._augment_pixels import PICTURES, PictureAugmentation, PixelChanges
from m5kit.data.transforms._pixels import Framing, as_channels
from m5kit.data.transforms.base import Transform
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("image")
class ImageTransform(Transform):
    """``h w 3`` uint8 → ``3 size size`` uint8. The encoder normalises, on the device: bytes are cheap to move.

    Args:
        size: side in pixels.
        fit: outside training, ``crop`` the longer side, ``pad`` the shorter or ``stretch``.
        augmentation: what is done in training (``augment``, ``crop``, ``flip``, ``jitter``, ``colour``, ``grey``,
            ``rotation``, ``blur``, ``erase``).
    """

    provided = frozenset({"size"})

    def __init__(
        self,
        *,
        size: Count,
        fit: str = "crop",
        augmentation: PictureAugmentation = PictureAugmentation(),
    ) -> None:
        chosen = augmentation.resolve(PICTURES)
        self.framing = Framing(size, fit, (float(chosen["crop"][0]), float(chosen["crop"][1])), chosen["flip"])
        self.changes = PixelChanges(chosen)

    def __call__(self, decoded: NDArray[np.uint8], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one picture."""
        framed = self.framing(as_channels(decoded[None]), generator)
        if generator is not None:
            framed = self.changes(framed, generator)
        return Inputs.single(framed[0], length=1)

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
