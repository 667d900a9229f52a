"""A clip becomes square frames of bytes."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms._augment_pixels import CLIPS, PictureAugmentation, PixelChanges
from m5kit.data.transforms._pixels import Framing, as_channels
from m5kit.data.transforms.base import Transform
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("frames")
class FramesTransform(Transform):
    """``t h w 3`` uint8 → ``t 3 size size`` uint8; in training all frames of a clip are cropped and mirrored alike.

    Args:
        size: side in pixels.
        frames: the most frames an encoder reads; a longer clip gives evenly spaced ones. The decoder's ``frames``
            decides how many are decoded.
        fit: outside training, ``crop`` the longer side, ``pad`` the shorter or ``stretch``.
        augmentation: what is done in training, to all frames alike (``augment``, ``crop``, ``flip``, ``jitter``,
            ``colour``, ``grey``, ``rotation``, ``blur``, ``erase``).
    """

    provided = frozenset({"size", "frames"})

    def __init__(
        self,
        *,
        size: Count,
        frames: Count,
        fit: str = "crop",
        augmentation: PictureAugmentation = PictureAugmentation(),
    ) -> None:
        chosen = augmentation.resolve(CLIPS)
        self.framing = Framing(size, fit, (float(chosen["crop"][0]), float(chosen["crop"][1])), chosen["flip"])
        self.changes = PixelChanges(chosen)
        self.frames = frames

    def __call__(self, decoded: NDArray[np.uint8], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one clip."""
        if len(decoded) > self.frames:
            decoded = decoded[np.linspace(0, len(decoded) - 1, self.frames).round().astype(int)]
        framed = self.framing(as_channels(decoded), generator)
        return Inputs.single(framed if generator is None else self.changes(framed, generator))

    def blank(self) -> Inputs:
        """Black frames."""
        return Inputs.single(torch.zeros(self.frames, 3, self.framing.size, self.framing.size, dtype=torch.uint8))

    def provides(self) -> Mapping[str, int]:
        """The side in pixels and the most frames."""
        return {"size": self.framing.size, "frames": self.frames}

    @classmethod
    def example(cls) -> tuple["FramesTransform", NDArray[np.uint8]]:
        """Five frames of a colour ramp."""
        return cls(size=16, frames=4), np.arange(5 * 24 * 20 * 3, dtype=np.uint8).reshape(5, 24, 20, 3)
