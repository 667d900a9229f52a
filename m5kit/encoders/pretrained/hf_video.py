"""Clips through any video network of Hugging Face transformers: VideoMAE, TimeSformer, ViViT, V-JEPA 2."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from m5kit.encoders.pretrained.base import PretrainedEncoder, Target, TokenOptions
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.patches import check_patch, join_patches, split_patches
from m5kit.nn.pretrained.pictures import Colours, Normalize, PictureFacts
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Weights, load_network, load_processor
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation

SPACE_FIRST = ("timesformer",)
"""Networks whose tokens run through the frames of one place before the next place."""

PREFIXES = {"timesformer": 1, "vivit": 1}
"""Tokens before those of the clip."""


@ENCODERS.register_module("hf_video")
class HFVideo(PretrainedEncoder):
    """A video backbone of transformers; a task hides tubes of raw pixels, one for each token that comes out.

    Such a network takes a fixed number of frames, so a shorter clip is stretched by showing frames more than once. A
    tube's group is its moment, so that ``unit: group`` hides whole moments.

    Args:
        dim: width d of the tokens.
        size: side of a frame in pixels; must be the checkpoint's.
        frames: the most frames of a clip; must be the checkpoint's.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        target: what is predicted of a hidden tube: the ``input``, or what a frozen ``network`` makes of it.
        colours: how colours become numbers, if the checkpoint does not say it (``mean``, ``std``).
    """

    def __init__(
        self,
        *,
        dim: Count,
        size: Count,
        frames: Count,
        weights: Weights,
        tuning: Tuning = Tuning(),
        tokens: TokenOptions = TokenOptions(),
        target: Target = "input",
        colours: Colours = Colours(),
    ) -> None:
        network: Any = load_network(weights, "hf_video").complete(weights, "hf_video")
        if getattr(network, "pooler", None) is not None:
            network.pooler = None
        if hasattr(network, "predictor"):
            del network.predictor  # V-JEPA 2's own pretext task
        config = network.config
        _check_frames(config, frames)
        backbone = Pretrained(network, tuning)
        super().__init__(
            dim=dim,
            width=config.hidden_size,
            backbone=backbone,
            tokens=tokens,
            target=target,
        )
        processor = load_processor("AutoVideoProcessor", weights, "hf_video")
        processor = processor or load_processor("AutoImageProcessor", weights, "hf_video")
        facts = PictureFacts.of(processor, config)
        facts.check(size, "hf_video")
        self.normalize = Normalize(facts, colours, random=not isinstance(weights, str), needed_by="hf_video")
        self.size, self.frames = size, frames
        self.tube, self.patch = _tube(config)
        self.rows = check_patch(size, self.patch, 1)

    def cut(self, inputs: Inputs) -> Observation:
        """Normalised tubes ``p l e`` of uint8 ``p t 3 h w`` clips, moment by moment.

        Raises:
            ContractError: the frames are of another size, or too many.
        """
        if inputs.values.shape[-1] != self.size or inputs.values.shape[1] > self.frames:
            raise ContractError(
                f"hf_video was built for {self.frames} frames of {self.size} pixels a side, got "
                f"{tuple(inputs.values.shape)}"
            )
        shown = _spread(inputs.lengths, self.frames).to(inputs.values.device, non_blocking=True)
        clips = inputs.values[torch.arange(shown.shape[0])[:, None], shown]  # p t 3 h w
        moments = clips.unflatten(1, (-1, self.tube))  # p n tube 3 h w
        stacked = self.normalize(moments).flatten(2, 3).flatten(0, 1)  # p*n tube*3 h w
        tubes = split_patches(stacked, self.patch).unflatten(0, (clips.shape[0], -1)).flatten(1, 2)
        count = tubes.shape[1]
        groups = torch.arange(count).div(self.rows**2, rounding_mode="floor").expand(tubes.shape[0], -1)
        return Observation(tubes, torch.full((tubes.shape[0],), count), groups)

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c`` and tokens ``p l c``."""
        config: Any = self.backbone.network.config
        seen = self._network(self._clips(observation.values)).last_hidden_state
        prefix = PREFIXES.get(config.model_type, 0)
        tokens = seen[:, prefix:]
        if config.model_type in SPACE_FIRST:
            tokens = tokens.unflatten(1, (self.rows**2, -1)).transpose(1, 2).flatten(1, 2)
        return seen[:, 0] if prefix else tokens.mean(1), tokens

    def _clips(self, tubes: Tensor) -> Tensor:
        """Undo the cut: ``p l e`` to ``p t 3 h w``."""
        moments = tubes.unflatten(1, (-1, self.rows**2))
        stacked = join_patches(moments.flatten(0, 1), self.patch, self.rows)
        clips: Tensor = stacked.unflatten(1, (self.tube, 3)).unflatten(0, moments.shape[:2])
        return clips.flatten(1, 2)

    def _network(self, clips: Tensor) -> Any:
        network: Any = self.backbone.network
        if network.main_input_name == "pixel_values_videos":
            return self.backbone(pixel_values_videos=clips, skip_predictor=True)
        return self.backbone(pixel_values=clips)

    @classmethod
    def example(cls) -> tuple["HFVideo", Inputs]:
        """A one-layer VideoMAE that begins at random, and three clips."""
        weights = {
            "model_type": "videomae",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "image_size": 16,
            "patch_size": 8,
            "num_frames": 4,
            "tubelet_size": 2,
        }
        clips = torch.randint(0, 256, (3, 4, 3, 16, 16), dtype=torch.uint8)
        encoder = cls(dim=12, size=16, frames=4, weights=weights, tuning=Tuning(trainable="all"))
        return encoder, Inputs(clips, torch.tensor([4, 1, 2]))


def _spread(lengths: Tensor, frames: int) -> Tensor:
    """Which of its own frames a clip shows at each of ``frames`` moments, ``p t``.

    Example:
        >>> _spread(torch.tensor([4, 2]), 4)
        tensor([[0, 1, 2, 3],
                [0, 0, 1, 1]])
    """
    return (torch.arange(frames) * lengths[:, None]).div(frames, rounding_mode="floor")


def _check_frames(config: Any, frames: int) -> None:
    wanted = getattr(config, "num_frames", None) or getattr(config, "frames_per_clip", frames)
    if frames != wanted:
        raise ConfigError(
            [
                f"hf_video: the checkpoint sees {wanted} frames, the data's transform makes {frames}; set "
                f"transform.frames (and the decoder's): {wanted}"
            ]
        )


def _tube(config: Any) -> tuple[int, int]:
    """Frames of a tube, and the side of its patch."""
    size = getattr(config, "tubelet_size", 1)
    if isinstance(size, Sequence):
        return int(size[0]), int(size[1])
    return int(size), int(config.patch_size)
