"""Given features as tokens: checked, cut to a number, scaled if asked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError, DecodeError
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

if TYPE_CHECKING:
    from m5kit.data.decode.features import Features

BOX = 5
"""Left, top, right, bottom and area as fractions."""


@TRANSFORMS.register_module("features")
class FeaturesTransform(Transform):
    """Features ``l e`` → float32 ``l e``, or ``l e+5`` with boxes; what is over ``max_tokens`` is cut off at the end.

    Args:
        width: e, how many numbers a token has.
        max_tokens: the most tokens.
        boxes: append each token's box; features without one are refused.
        scale: ``none``, ``length`` (each token gets length 1) or ``variance`` (each token gets mean 0 and variance 1,
            as the released code does to sounds).
    """

    def __init__(
        self,
        *,
        width: int,
        max_tokens: int,
        boxes: bool = False,
        scale: Literal["none", "length", "variance"] = "none",
    ) -> None:
        if min(width, max_tokens) < 1:
            raise ConfigError([f"features: expected width and max_tokens of at least 1, got {width} and {max_tokens}"])
        self.width, self.max_tokens, self.boxes, self.scale = width, max_tokens, boxes, scale

    def __call__(self, decoded: "Features", generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one item's features.

        Raises:
            DecodeError: they are of another width, or have no boxes where boxes are wanted.
        """
        values = decoded.values[: self.max_tokens]
        if values.shape[1] != self.width:
            raise DecodeError(
                f"features of {values.shape[1]} numbers a token, expected transform.width={self.width}; correct one of "
                "them, or set decoder.transpose"
            )
        values = self._scaled(values)
        if self.boxes:
            if decoded.boxes is None:
                raise DecodeError("features without boxes; add an array boxes or set transform.boxes: false")
            values = np.concatenate([values, decoded.boxes[: self.max_tokens]], axis=1)
        return Inputs.single(torch.from_numpy(np.array(values, dtype=np.float32)))

    def blank(self) -> Inputs:
        """As many tokens as there may be, all zeros, as the paper imputes a missing modality."""
        return Inputs.single(torch.zeros(self.max_tokens, self.width + BOX * self.boxes))

    def provides(self) -> Mapping[str, int]:
        """Widths and the most tokens."""
        return {"width": self.width, "max_tokens": self.max_tokens, "boxes": BOX * self.boxes}

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.scale == "length":
            values = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-9)
        if self.scale == "variance":
            values = (values - values.mean(1, keepdims=True)) / (values.std(1, keepdims=True) + 1e-9)
        return np.asarray(values, dtype=np.float32)

    @classmethod
    def example(cls) -> tuple["FeaturesTransform", Any]:
        """Three of four regions with boxes."""
        from m5kit.data.decode.features import Features

        values = np.arange(12, dtype=np.float32).reshape(4, 3)
        return cls(width=3, max_tokens=3, boxes=True, scale="length"), Features(
            values, np.full((4, 5), 0.25, np.float32)
        )
