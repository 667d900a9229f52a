"""Pictures as patches: a convolutional stem, then a transformer over the patch grid."""

from typing import Literal

import torch
from torch import Tensor, nn

from m5kit.encoders.base import Encoder
from m5kit.nn.patches import centre_bytes, check_patch, join_patches, split_patches
from m5kit.nn.stem import STRIDE, Activation, CellStem, ConvStem, Pooling
from m5kit.nn.transformer import SummaryTransformer, TransformerShape
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens


@ENCODERS.register_module("image_patches")
class ImagePatches(Encoder):
    """A compact picture encoder that learns from scratch.

    What a task may hide, and must then predict, are normalised raw patches. What is left of the picture goes through a
    residual convolutional stem; the raw patch, projected, is added, because the stem's norms weaken absolute colour.

    Args:
        dim: width d of the tokens.
        size: side of a picture in pixels.
        patch: side of a patch in pixels, a multiple of 8 that divides ``size``.
        stem: ``pixels``, a residual network that learns from the raw picture, or ``cells``, which begins with fixed
            gradient-orientation cells and colour moments: better with few pictures.
        width: channels of the stem's first stage.
        blocks: residual blocks in each of the two later stages of the stem over pixels.
        activation: of the stem. ``silu`` has no jump in its gradient, so that several processes end where one does;
            ``relu`` is what runs of earlier versions have.
        pooling: of the stem over cells, ``mean`` or ``max``. The mean has no such jump either; ``max`` is what runs of
            earlier versions have.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).

    Raises:
        ConfigError: ``patch`` does not fit ``size``.
    """

    shareable = "transformer"

    def __init__(
        self,
        *,
        dim: Count,
        size: Count,
        patch: Count = 16,
        stem: Literal["pixels", "cells"] = "pixels",
        width: Count = 16,
        blocks: Natural = 1,
        activation: Activation = "relu",
        pooling: Pooling = "max",
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        self.dim = dim
        self.patch = patch
        self.rows = check_patch(size, patch, STRIDE)
        self.layout = (self.rows, self.rows)
        if stem == "cells":
            self.stem: nn.Module = CellStem(
                dim=dim, rows=self.rows, width=width, activation=activation, pooling=pooling
            )
        else:
            self.stem = ConvStem(channels=3, dim=dim, patch=patch, width=width, blocks=blocks, activation=activation)
        self.raw = nn.Linear(3 * patch**2, dim)
        self.row = nn.Parameter(torch.empty(self.rows, 1, dim))
        self.column = nn.Parameter(torch.empty(1, self.rows, dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        for weight in (self.raw.weight, self.row, self.column):
            nn.init.trunc_normal_(weight, std=0.02)

    def observe(self, inputs: Inputs) -> Observation:
        """Raw patches ``p l e`` of uint8 ``p 3 h w`` pictures."""
        patches = centre_bytes(split_patches(inputs.values, self.patch))
        return Observation(patches, torch.full((patches.shape[0],), patches.shape[1]))

    def encode(self, observation: Observation) -> Tokens:
        """Contextual patches ``p 1+l d``."""
        patches = observation.values
        values = self.stem(join_patches(patches, self.patch, self.rows)) + self.raw(patches) + self._positions()
        return Tokens(self.transformer(values, observation.lengths), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["ImagePatches", Inputs]:
        """A small instance, and three pictures."""
        encoder = cls(dim=16, size=32, patch=8, width=8, shape=TransformerShape(layers=1, heads=2))
        pictures = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
        return encoder, Inputs.stack([Inputs.single(picture, length=1) for picture in pictures])

    def _positions(self) -> Tensor:
        return (self.row + self.column).flatten(0, 1)
