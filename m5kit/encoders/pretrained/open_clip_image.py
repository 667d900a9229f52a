"""Pictures through the visual tower of any open_clip model, ResNets and timm towers included."""

from typing import Any

import torch
from torch import Tensor, nn

from m5kit.encoders.pretrained.base import PretrainedEncoder, Target, TokenOptions
from m5kit.errors import ContractError
from m5kit.nn.patches import check_patch, join_patches
from m5kit.nn.pretrained.contrastive import load_towers
from m5kit.nn.pretrained.pictures import Colours, Normalize, PictureFacts, run_few
from m5kit.nn.pretrained.projections import Matrix, OwnProjection
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Weights
from m5kit.ranges import Count
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation


@ENCODERS.register_module("open_clip_image")
class OpenClipImage(PretrainedEncoder):
    """The visual tower of an open_clip model; a task hides normalised raw patches, one for each token that comes out.

    The summary is what the tower pools (its class token, mostly) before its projection. That projection is kept: where
    the tower has one from the summary, the contrastive features begin as its own picture vectors. Towers that project
    while they pool (CLIP's ResNets, CoCa) have none; their summary is the class token or the mean of the tokens.

    Args:
        dim: width d of the tokens.
        size: side of a picture in pixels; must be the checkpoint's.
        weights: a local folder with ``open_clip_config.json``, ``hf-hub:NAME``, ``ARCHITECTURE/TAG``,
            ``ARCHITECTURE/FILE``, or a config (``embed_dim``, ``vision_cfg``, ``text_cfg``) that begins at random.
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
        model, preprocessing = load_towers(weights, "open_clip_image")
        facts = PictureFacts(preprocessing.get("size"), preprocessing.get("mean"), preprocessing.get("std"))
        facts.check(size, "open_clip_image")
        tower = _Tower(model.visual, size)
        projection = None
        if tower.pools:
            projection = OwnProjection(tower.layers[0], width=tower.width, trainable=tuning.trainable)
        backbone = Pretrained(tower, tuning)
        super().__init__(
            dim=dim,
            width=tower.width,
            backbone=backbone,
            tokens=tokens,
            target=target,
            projection=projection,
        )
        self.normalize = Normalize(facts, colours, random=not isinstance(weights, str), needed_by="open_clip_image")
        self.size, self.rows = size, tower.rows
        self.patch = size // tower.rows
        check_patch(size, self.patch, 1)

    def cut(self, inputs: Inputs) -> Observation:
        """Normalised raw patches ``p l e`` of uint8 ``p 3 h w`` pictures.

        Raises:
            ContractError: the pictures are of another size.
        """
        if inputs.values.shape[-2:] != (self.size, self.size):
            raise ContractError(
                f"open_clip_image was built for {self.size} pixels a side, got {tuple(inputs.values.shape)}"
            )
        patches = self.normalize.patches(inputs.values, self.patch)
        return Observation(patches, torch.full((patches.shape[0],), patches.shape[1]))

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c`` and tokens ``p l c``."""
        return run_few(self._run, observation.values)

    def _run(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        summary, tokens = self.backbone(join_patches(patches, self.patch, self.rows))
        return summary, tokens

    @classmethod
    def example(cls) -> tuple["OpenClipImage", Inputs]:
        """A one-layer ViT that begins at random, and three pictures."""
        weights = {
            "embed_dim": 8,
            "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
            "text_cfg": {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1},
        }
        pictures = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
        return cls(dim=12, size=16, weights=weights, tuning=Tuning(trainable="all")), Inputs(
            pictures, torch.ones(3, dtype=torch.int64)
        )


class _Tower(nn.Module):
    """A visual tower as a function to its summary ``p c`` and last tokens ``p l c``.

    Attributes:
        rows: tokens a side.
        width: c.
        pools: whether the summary is what the tower itself pools, of the width of its tokens; False for towers that
            project while they pool.
    """

    def __init__(self, visual: Any, size: int) -> None:
        super().__init__()
        self.visual, self.pools = visual, True
        self.layers = [_take_projection(visual)]  # in a list: not a part of the tower any more
        self.rows, self.width, self.pools = self._probe(size)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.visual.forward_intermediates(
            pictures,
            indices=1,
            normalize_intermediates=True,
            intermediates_only=not self.pools,
            output_extra_tokens=True,
        )
        tokens = seen["image_intermediates"][-1].flatten(2).mT
        if self.pools:
            return seen["image_features"], tokens
        first = seen.get("image_intermediates_prefix")
        return first[-1][:, 0] if first else tokens.mean(1), tokens

    def set_grad_checkpointing(self, enable: bool) -> None:
        self.visual.set_grad_checkpointing(enable)

    @torch.no_grad()
    def _probe(self, size: int) -> tuple[int, int, bool]:
        """Tokens a side, their width, and whether the pooled vector has it, seen from a blank picture."""
        pooled, tokens = self.eval()(torch.zeros(1, 3, size, size))
        return int(tokens.shape[1] ** 0.5), tokens.shape[2], pooled.shape == tokens[:, 0].shape


def _take_projection(visual: Any) -> nn.Module:
    """The layers after the pooling, taken out of the tower, which then ends with what it pools."""
    weight = getattr(visual, "proj", None)
    if isinstance(weight, nn.Parameter):
        visual.proj = None
        return Matrix(weight)
    head: nn.Module = getattr(visual, "head", nn.Identity())
    visual.head = nn.Identity()
    return head
