"""Given features as tokens: checked, cut to a number, scaled if asked."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError, DecodeError
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

if TYPE_CHECKING:
    from m5kit.data.decode.features import Features

BOX = 5
"""Left, top, right, bottom and area as fractions."""


@TRANSFORMS.register_module("features")
class FeaturesTransform(Transform):
    """Features ``l e`` → float32 ``l e``, or ``l e+5`` with boxes.

    Args:
        width: e, how many numbers a token has.
        max_tokens: the most tokens.
        min_tokens: items with fewer are refused.
        choose: of more, take the ``first`` (SCALE's released code takes the first seconds of a video), or as many at
            ``even`` distances.
        boxes: append each token's box; features without one are refused.
        scale: ``none``, ``length`` (each token gets length 1), ``variance`` (each token gets mean 0 and variance 1) or
            ``across`` (each of the e numbers gets mean 0 and variance 1 over the tokens: what the released code does to
            the moments of a sound, whose bands are the tokens).
    """

    provided = frozenset({"width", "max_tokens", "boxes"})

    def __init__(
        self,
        *,
        width: Count,
        max_tokens: Count,
        min_tokens: Count = 1,
        choose: Literal["first", "even"] = "first",
        boxes: bool = False,
        scale: Literal["none", "length", "variance", "across"] = "none",
    ) -> None:
        if min(width, max_tokens) < 1:
            raise ConfigError([f"features: expected width and max_tokens of at least 1, got {width} and {max_tokens}"])
        if min_tokens > max_tokens:
            raise ConfigError([f"features: min_tokens {min_tokens} is over max_tokens {max_tokens}; lower it"])
        self.width, self.max_tokens, self.min_tokens = width, max_tokens, min_tokens
        self.choose, self.boxes, self.scale = choose, boxes, scale

    def __call__(self, decoded: "Features", generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one item's features.

        Raises:
            DecodeError: they are of another width, too few, or have no boxes where boxes are wanted.
        """
        chosen = self._chosen(len(decoded.values))
        values = decoded.values[chosen]
        if values.shape[1] != self.width:
            raise DecodeError(
                f"features of {values.shape[1]} numbers a token, expected transform.width={self.width}; correct one of "
                "them, or set decoder.transpose"
            )
        if len(values) < self.min_tokens:
            raise DecodeError(f"{len(values)} features, expected at least transform.min_tokens={self.min_tokens}")
        # before the boxes are appended: their five numbers are fractions already
        values = self._scaled(values)
        if self.boxes:
            if decoded.boxes is None:
                raise DecodeError("features without boxes; add an array boxes or set transform.boxes: false")
            values = np.concatenate([values, decoded.boxes[chosen]], axis=1)
        # a copy: the values may be a view into a read-only pack, which torch must not write to
        return Inputs.single(torch.from_numpy(np.array(values, dtype=np.float32)))

    def blank(self) -> Inputs:
        """As many tokens as there may be, all zeros, as the paper imputes a missing modality."""
        return Inputs.single(torch.zeros(self.max_tokens, self.width + BOX * self.boxes))

    def provides(self) -> Mapping[str, int]:
        """Widths and the most tokens."""
        return {"width": self.width, "max_tokens": self.max_tokens, "boxes": BOX * self.boxes}

    def _chosen(self, count: int) -> "slice | NDArray[np.int64]":
        if self.choose == "first" or count <= self.max_tokens:
            return slice(self.max_tokens)
        # middles of equal stretches: with ends included, one of two tokens would always be the very last
        middles = (np.arange(self.max_tokens) + 0.5) * count / self.max_tokens
        return middles.astype(np.int64)

    def _scaled(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.scale == "length":
            # A token of zeros stays one.
            values = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-9)
        if self.scale in ("variance", "across"):
            axis = 1 if self.scale == "variance" else 0
            # a constant token has no deviation; the small number keeps it at zeros
            values = (values - values.mean(axis, keepdims=True)) / (values.std(axis, keepdims=True) + 1e-9)
        return np.asarray(values, dtype=np.float32)

    @classmethod
    def example(cls) -> tuple["FeaturesTransform", Any]:
        """Three of four regions with boxes."""
        from m5kit.data.decode.features import Features

        values = np.arange(12, dtype=np.float32).reshape(4, 3)
        return cls(width=3, max_tokens=3, boxes=True, scale="length"), Features(
            values, np.full((4, 5), 0.25, np.float32)
        )
