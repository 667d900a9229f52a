"""Clips as frames of patches: a convolutional stem a frame, mixing in time, then a transformer over all patches."""

import torch
from torch import Tensor, nn

from m5kit.encoders.base import Encoder
from m5kit.errors import ContractError
from m5kit.nn.packing import Packing
from m5kit.nn.patches import centre_bytes, check_patch, join_patches, split_patches
from m5kit.nn.stem import STRIDE, Activation, ConvStem
from m5kit.nn.transformer import SummaryTransformer, TransformerShape
from m5kit.ranges import Count, Natural
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation, Tokens


@ENCODERS.register_module("video_frames")
class VideoFrames(Encoder):
    """A compact video encoder that learns from scratch.

    What a task may hide are normalised raw patches, in groups of one frame. The stem sees each frame and its difference
    from the one before, so motion is in the tokens from the start; a depthwise convolution then mixes neighbouring
    frames.

    Args:
        dim: width d of the tokens.
        size: side of a frame in pixels.
        frames: the most frames of a clip.
        patch: side of a patch in pixels, a multiple of 8 that divides ``size``.
        width: channels of the stem's first stage.
        blocks: residual blocks in each of the stem's two later stages.
        activation: of the stem. ``silu`` has no jump in its gradient, so that several processes end where one does;
            ``relu`` is what runs of earlier versions have.
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
        frames: Count,
        patch: Count = 24,
        width: Count = 8,
        blocks: Natural = 1,
        activation: Activation = "relu",
        shape: TransformerShape = TransformerShape(),
    ) -> None:
        super().__init__()
        self.dim = dim
        self.patch = patch
        self.rows = check_patch(size, patch, STRIDE)
        self.layout = (self.rows, self.rows)
        self.cells = self.rows**2
        self.stem = ConvStem(channels=4, dim=dim, patch=patch, width=width, blocks=blocks, activation=activation)
        self.raw = nn.Linear(3 * patch**2, dim)
        self.neighbours = nn.Conv1d(dim, dim, 3, padding=1, groups=dim)
        self.time = nn.Parameter(torch.empty(frames, 1, dim))
        self.place = nn.Parameter(torch.empty(1, self.cells, dim))
        self.transformer = SummaryTransformer(dim=dim, **shape.arguments)
        for weight in (self.raw.weight, self.time, self.place):
            nn.init.trunc_normal_(weight, std=0.02)

    def observe(self, inputs: Inputs) -> Observation:
        """Raw patches ``p l e`` of uint8 ``p t 3 h w`` clips, frame by frame; a patch's group is its frame.

        Raises:
            ContractError: a clip has more frames than the encoder was built for.
        """
        items, frames = inputs.values.shape[:2]
        if frames > len(self.time):
            raise ContractError(
                f"a clip has {frames} frames, the encoder was built for {len(self.time)}; set the same frames in the "
                "transform and in the encoder"
            )
        cut = split_patches(inputs.values.flatten(0, 1), self.patch)  # as bytes, a quarter of the floats
        patches = centre_bytes(cut).reshape(items, frames * self.cells, 3 * self.patch**2)
        groups = torch.arange(frames).repeat_interleave(self.cells).expand(items, -1)
        return Observation(patches, inputs.lengths * self.cells, groups)

    def encode(self, observation: Observation) -> Tokens:
        """Contextual patches ``p 1+l d``."""
        items, count, width = observation.values.shape
        patches = observation.values.reshape(items, count // self.cells, self.cells, width)  # p t l e
        packing = Packing.from_lengths(observation.lengths // self.cells, patches.shape[1], patches.device)
        pictures = packing.pack(self._with_motion(patches))  # n 4 h w
        values = packing.unpack(self.stem(pictures) + self.raw(packing.pack(patches)))  # p t l d
        values = self._mix_frames(values) + self.time[: values.shape[1]] + self.place
        return Tokens(self.transformer(values.flatten(1, 2), observation.lengths), observation.lengths + 1)

    @classmethod
    def example(cls) -> tuple["VideoFrames", Inputs]:
        """A small instance, and three clips of different lengths."""
        encoder = cls(dim=16, size=16, frames=4, patch=8, shape=TransformerShape(layers=1, heads=2))
        clips = [torch.randint(0, 256, (length, 3, 16, 16), dtype=torch.uint8) for length in (2, 4, 1)]
        return encoder, Inputs.stack([Inputs.single(clip) for clip in clips])

    def _with_motion(self, patches: Tensor) -> Tensor:
        """Frames ``p t 4 h w``: three colours, and how much brighter each pixel is than in the frame before."""
        pictures = join_patches(patches.flatten(0, 1), self.patch, self.rows)
        frames = pictures.view(*patches.shape[:2], *pictures.shape[1:])
        grey = frames.mean(2, keepdim=True)
        return torch.cat([frames, torch.cat([torch.zeros_like(grey[:, :1]), grey.diff(dim=1)], dim=1)], dim=2)

    def _mix_frames(self, values: Tensor) -> Tensor:
        """Add what a convolution over time sees; frames past a clip's end are zeros, like those before its start."""
        items, frames, cells, dim = values.shape
        series = values.permute(0, 2, 3, 1).reshape(items * cells, dim, frames)
        mixed: Tensor = self.neighbours(series)
        return values + mixed.reshape(items, cells, dim, frames).permute(0, 3, 1, 2)
