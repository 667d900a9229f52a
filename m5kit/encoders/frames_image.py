"""Clips as pictures: every frame through any image encoder, then a transformer over time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from m5kit.encoders.base import Encoder
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.packing import Packing
from m5kit.nn.pretrained.extraction import EXTRACTED
from m5kit.nn.transformer import SummaryTransformer, TransformerShape
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens

GREY = 127
"""Byte that a hidden frame is filled with."""

SHRUNK = 16
"""Side of the small picture that is hidden and predicted of a whole frame."""


@dataclass(frozen=True)
class Clip(Observation):
    """One small picture a frame, and the frames themselves, ``p t 3 h w`` bytes."""

    frames: Tensor | None = None


@ENCODERS.register_module("frames_image")
class FramesImage(Encoder):
    """Any registered image encoder on each frame, and a transformer that makes frames aware of each other.

    With ``output: patches`` a task hides what the image encoder lets it hide, in groups of one frame. With ``frames`` a
    task hides whole frames, and predicts each as a small picture: one token a frame, as features of clips have.

    Args:
        dim: width d of the tokens.
        size: side of a frame in pixels.
        frames: the most frames of a clip.
        frame: the image encoder, a mapping with ``type`` as in ``encoder_image``; ``dim`` and ``size`` are filled in.
        output: ``patches`` or ``frames``.
        shape: size of the transformer (``layers``, ``heads``, ``ratio``, ``dropout``).

    Raises:
        ConfigError: ``frame`` is no mapping with a type, or the image encoder does not fit.
    """

    shareable = "transformer"

    def __init__(
        self,
        *,
        dim: Count,
        size: Count,
        frames: Count,
        frame: Mapping[str, Any],
        output: Literal["patches", "frames"] = "frames",
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        if not isinstance(frame.get("type"), str):
            raise ConfigError(
                [f"frames_image.frame: expected a mapping with a type, such as image_patches, got {frame!r}"]
            )
        self.dim, self.output = dim, output
        self.frame: Encoder = ENCODERS.build(frame, dim=dim, size=size)
        self.time = nn.Parameter(torch.empty(frames, dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        nn.init.trunc_normal_(self.time, std=0.02)

    def observe(self, inputs: Inputs) -> Observation:
        """Of uint8 ``p t 3 h w`` clips: one small picture a frame ``p t e``, or the frames' patches ``p t*l e``.

        Raises:
            ContractError: a clip has more frames than the encoder was built for.
        """
        if EXTRACTED in inputs.extras:
            cells = int(inputs.extras[EXTRACTED].max())
            return self._patches(Observation(inputs.values.float(), inputs.lengths), cells)
        count = inputs.values.shape[1]
        if count > len(self.time):
            raise ContractError(
                f"a clip has {count} frames, the encoder was built for {len(self.time)}; set the same frames in the "
                "transform and in the encoder"
            )
        packing = Packing.from_lengths(inputs.lengths, count, inputs.values.device)
        frames = packing.pack(inputs.values)
        if self.output == "frames":
            small = adaptive_avg_pool2d(frames.float() / 127.5 - 1, SHRUNK).flatten(1)
            return Clip(packing.unpack(small), inputs.lengths, frames=inputs.values)
        seen = self.frame.observe(_pictures(frames))
        cells = seen.values.shape[1]
        target = None if seen.target is None else packing.unpack(seen.target).flatten(1, 2)
        values = packing.unpack(seen.values).flatten(1, 2)
        return self._patches(Observation(values, inputs.lengths * cells, target=target), cells)

    @property
    def extracts(self) -> bool:
        """Whether the image encoder does; of whole frames a task hides the frames themselves."""
        return self.output == "patches" and self.frame.extracts

    @torch.no_grad()
    def extract(self, inputs: Inputs) -> Inputs:
        """What a frozen image encoder makes of every frame: ``p t*l c`` float16; :meth:`observe` takes it."""
        packing = Packing.from_lengths(inputs.lengths, inputs.values.shape[1], inputs.values.device)
        seen = self.frame.extract(_pictures(packing.pack(inputs.values)))
        cells = seen.values.shape[1]
        values = packing.unpack(seen.values).flatten(1, 2)
        mark = torch.full(values.shape[:2], cells)
        return Inputs(values, inputs.lengths * cells, {EXTRACTED: mark})

    def frozen_modules(self) -> Mapping[str, nn.Module]:
        """The image encoder."""
        return {"frame": self.frame}

    def encode(self, observation: Observation) -> Tokens:
        """Contextual tokens ``p 1+l d``."""
        if isinstance(observation, Clip):
            return self._encode_frames(observation)
        assert observation.groups is not None
        cells = int((observation.groups[0] == 0).sum())
        counts = observation.lengths // cells
        patches = observation.values.unflatten(1, (-1, cells))
        packing = Packing.from_lengths(counts, patches.shape[1], patches.device)
        shown = packing.pack(patches)
        seen = self.frame.encode(Observation(shown, torch.full((shown.shape[0],), cells)))
        moments = self._mix(packing.unpack(seen.values[:, 0]), counts)  # p 1+t d
        values = (packing.unpack(seen.values[:, 1:]) + moments[:, 1:, None]).flatten(1, 2)
        values = values.masked_fill(~observation.mask[..., None], 0.0)
        return Tokens(torch.cat([moments[:, :1], values], dim=1), observation.lengths + 1)

    def learning_rate_scales(self) -> Mapping[str, float]:
        """Factor of the learning rate by parameter name, where it is not 1."""
        return {f"frame.{name}": scale for name, scale in self.frame.learning_rate_scales().items()}

    def _patches(self, observation: Observation, cells: int) -> Observation:
        """Say which frame each patch belongs to."""
        items, size = observation.values.shape[:2]
        if not cells:
            raise ContractError("the image encoder of frames_image shows no patches; set output: frames")
        groups = torch.arange(size).div(cells, rounding_mode="floor").expand(items, -1)
        return replace(observation, groups=groups)

    def _encode_frames(self, clip: Clip) -> Tokens:
        assert clip.frames is not None
        packing = Packing.from_lengths(clip.lengths, clip.values.shape[1], clip.values.device)
        hidden = (packing.pack(clip.values) == 0).all(1)  # what a task left of a hidden frame
        frames = packing.pack(clip.frames).masked_fill(hidden[:, None, None, None], GREY)
        moments = packing.unpack(self.frame(_pictures(frames)).summary)
        return Tokens(self._mix(moments, clip.lengths), clip.lengths + 1)

    def _mix(self, moments: Tensor, counts: Tensor) -> Tensor:
        mixed: Tensor = self.transformer(moments + self.time[: moments.shape[1]], counts)
        return mixed

    @classmethod
    def example(cls) -> tuple["FramesImage", Inputs]:
        """A small encoder over small frames, and three clips."""
        frame = {"type": "image_patches", "patch": 8, "layers": 1, "heads": 2}
        clips = torch.randint(0, 256, (3, 4, 3, 16, 16), dtype=torch.uint8)
        shape = TransformerShape(layers=1, heads=2)
        encoder = cls(dim=16, size=16, frames=4, frame=frame, output="patches", shape=shape)
        return encoder, Inputs(clips, torch.tensor([4, 1, 2]))


def _pictures(frames: Tensor) -> Inputs:
    return Inputs(frames, torch.ones(frames.shape[0], dtype=torch.int64))
