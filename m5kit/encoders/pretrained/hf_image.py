"""Pictures through any vision network of Hugging Face transformers: ViT, DINOv2, SigLIP, CLIP, ConvNeXt, Swin ..."""

from typing import Any

import torch
from torch import Tensor

from m5kit.encoders.pretrained.base import PretrainedEncoder, Target, TokenOptions
from m5kit.errors import ContractError
from m5kit.nn.patches import check_patch, join_patches
from m5kit.nn.pretrained.pictures import Colours, Normalize, PictureFacts, run_few
from m5kit.nn.pretrained.projections import find_projection
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Weights, load_network, load_processor
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation

PROJECTIONS = {
    "clip": ("vision_model.post_layernorm", "visual_projection"),
    "metaclip_2": ("vision_model.post_layernorm", "visual_projection"),
    "chinese_clip": ("vision_model.post_layernorm", "visual_projection"),
    "siglip": (),  # the tower ends with its pooled vector: there is nothing to project
}
"""Of two-tower models, what takes the summary to the space shared with texts."""


@ENCODERS.register_module("hf_image")
class HFImage(PretrainedEncoder):
    """A vision backbone of transformers; a task hides normalised raw patches, one for each token that comes out.

    The tower of a two-tower checkpoint (CLIP, SigLIP, Chinese CLIP) keeps its own projection: the contrastive features
    begin as what ``get_image_features`` gives.

    Args:
        dim: width d of the tokens.
        size: side of a picture in pixels; must be the checkpoint's.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        target: what is predicted of a hidden patch: the ``input``, or what a frozen ``network`` makes of it.
        colours: how colours become numbers, if the checkpoint does not say it (``mean``, ``std``).
    """

    def __init__(
        self,
        *,
        dim: Count,
        size: Count,
        weights: Weights,
        tuning: Tuning = Tuning(),
        tokens: TokenOptions = TokenOptions(),
        target: Target = "input",
        colours: Colours = Colours(),
    ) -> None:
        loaded = load_network(weights, "hf_image")
        network: Any = loaded.part("vision_model").complete(weights, "hf_image")
        facts = PictureFacts.of(load_processor("AutoImageProcessor", weights, "hf_image"), network.config)
        facts.check(size, "hf_image")
        rows, prefix, width = _probe(network, size)
        if prefix and getattr(network, "pooler", None) is not None:
            network.pooler = None  # the class token stands for the picture; few checkpoints train a pooler
        backbone = Pretrained(network, tuning)
        projection = find_projection(
            loaded, PROJECTIONS, width=width, trainable=tuning.trainable, weights=weights, needed_by="hf_image"
        )
        super().__init__(
            dim=dim,
            width=width,
            backbone=backbone,
            tokens=tokens,
            target=target,
            projection=projection,
        )
        self.normalize = Normalize(facts, colours, random=not isinstance(weights, str), needed_by="hf_image")
        self.size, self.rows = size, rows
        self.patch = size // rows
        check_patch(size, self.patch, 1)

    def cut(self, inputs: Inputs) -> Observation:
        """Normalised raw patches ``p l e`` of uint8 ``p 3 h w`` pictures.

        Raises:
            ContractError: the pictures are of another size.
        """
        if inputs.values.shape[-2:] != (self.size, self.size):
            raise ContractError(f"hf_image was built for {self.size} pixels a side, got {tuple(inputs.values.shape)}")
        patches = self.normalize.patches(inputs.values, self.patch)
        return Observation(patches, torch.full((patches.shape[0],), patches.shape[1]))

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c`` and tokens ``p l c``."""
        return run_few(self._run, observation.values)

    def _run(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        pictures = join_patches(patches, self.patch, self.rows)
        seen = self.backbone(pixel_values=pictures)
        tokens = _in_line(seen.last_hidden_state)
        prefix = tokens.shape[1] - self.rows**2
        return _summary(tokens, prefix, seen), tokens[:, prefix:]

    @classmethod
    def example(cls) -> tuple["HFImage", Inputs]:
        """A one-layer ViT that begins at random, and three pictures."""
        weights = {
            "model_type": "vit",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "image_size": 16,
            "patch_size": 8,
        }
        pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
        return cls(dim=12, size=16, weights=weights, tuning=Tuning(trainable="all")), Inputs(
            pictures, torch.ones(3, dtype=torch.int64)
        )


def _in_line(values: Tensor) -> Tensor:
    """Maps ``p c h w`` of convolutional networks as ``p l c``."""
    return values.flatten(2).mT if values.dim() == 4 else values


def _summary(tokens: Tensor, prefix: int, seen: Any) -> Tensor:
    if prefix:
        return tokens[:, 0]
    pooled = getattr(seen, "pooler_output", None)
    return tokens.mean(1) if pooled is None else pooled.flatten(1)


def _probe(network: Any, size: int) -> tuple[int, int, int]:
    """Patches a side, tokens before the patches, and width of the tokens, seen from a blank picture."""
    with torch.no_grad():
        values = network.eval()(pixel_values=torch.zeros(1, 3, size, size)).last_hidden_state
    if values.dim() == 4:
        return values.shape[2], 0, values.shape[1]
    count, width = values.shape[1:]
    patch = getattr(network.config, "patch_size", None)
    rows = size // patch if isinstance(patch, int) else 0
    extra = count - rows**2
    if not 0 <= extra <= 16:  # networks that merge patches on the way have fewer tokens than patches
        rows, extra = int(count**0.5), count - int(count**0.5) ** 2
    return rows, extra, width
