"""Token ids through the text tower of any open_clip model."""

from typing import Any

import torch
from torch import Tensor, nn

from m5kit.encoders.pretrained.base import PretrainedEncoder, TokenOptions
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.contrastive import load_towers
from m5kit.nn.pretrained.lengths import run_alike
from m5kit.nn.pretrained.projections import Matrix, OwnProjection
from m5kit.nn.pretrained.sequences import wrap
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Weights
from m5kit.ranges import Count, Natural, TokenId
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation


@ENCODERS.register_module("open_clip_text")
class OpenClipText(PretrainedEncoder):
    """The text tower of an open_clip model; a task hides ids, which the transform ``open_clip_tokenize`` makes.

    The summary is read where the tower reads it. Its projection is kept: the contrastive features begin as its own text
    vectors (except for towers with a class token of the text, CoCa's).

    Args:
        dim: width d of the tokens.
        vocabulary: how many ids there are.
        max_tokens: the longest text.
        mask_id: the id of a hidden token; the tower learns a vector for one that is not the tokenizer's.
        weights: a local folder with ``open_clip_config.json``, ``hf-hub:NAME``, ``ARCHITECTURE/TAG``,
            ``ARCHITECTURE/FILE``, or a config (``embed_dim``, ``vision_cfg``, ``text_cfg``) that begins at random.
        start_id: the tokenizer's id before a text, -1 if it has none.
        end_id: the tokenizer's id after a text, -1 if it has none; most towers' summary is read there.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
    """

    def __init__(
        self,
        *,
        dim: Count,
        vocabulary: Count,
        max_tokens: Count,
        mask_id: Natural,
        weights: Weights,
        start_id: TokenId = -1,
        end_id: TokenId = -1,
        tuning: Tuning = Tuning(),
        tokens: TokenOptions = TokenOptions(),
    ) -> None:
        tower = _TextTower(load_towers(weights, "open_clip_text")[0])
        tower.check(vocabulary, max_tokens + (start_id >= 0) + (end_id >= 0))
        tower.make_room(mask_id)
        backbone = Pretrained(tower, tuning)
        super().__init__(
            dim=dim,
            width=tower.words.embedding_dim,
            backbone=backbone,
            tokens=tokens,
            projection=tower.projection(tuning.trainable),
        )
        self.vocabulary, self.mask_id, self.start_id, self.end_id = vocabulary, mask_id, start_id, end_id
        self.padding, self.full = tower.padding, len(tower.positions) if tower.padded else None
        self.pooling = tower.pooling

    def cut(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` as they are."""
        return Observation(inputs.values, inputs.lengths, vocabulary=self.vocabulary, mask_id=self.mask_id)

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c``, from the end of the text or where else the tower reads it, and tokens ``p l c``."""
        return run_alike(self._run, observation.values, observation.lengths, apart=self.full is None)

    def _run(self, observed: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The same of ids ``p l``, all of them padded to one length."""
        size, device = observed.shape[1], observed.device
        ids, lengths = wrap(observed, counts, self.start_id, self.end_id, self.padding, self.full)
        values = self.backbone(ids)
        first = int(self.start_id >= 0)
        if self.pooling in ("first", "last"):
            return values[:, 0 if self.pooling == "first" else -1], values[:, first : first + size]
        end = (lengths - 1).clamp(min=0).to(device, non_blocking=True)
        return values[torch.arange(values.shape[0]), end], values[:, first : first + size]

    @classmethod
    def example(cls) -> tuple["OpenClipText", Inputs]:
        """A one-layer tower that begins at random, and three texts."""
        weights = {
            "embed_dim": 8,
            "vision_cfg": {"image_size": 16, "patch_size": 8, "width": 16, "layers": 1, "head_width": 8},
            "text_cfg": {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1},
        }
        encoder = cls(
            dim=12,
            vocabulary=21,
            max_tokens=6,
            mask_id=20,
            start_id=18,
            end_id=19,
            weights=weights,
            tuning=Tuning(trainable="all"),
        )
        return encoder, Inputs(torch.randint(1, 18, (3, 6)), torch.tensor([6, 2, 4]))


class _TextTower(nn.Module):
    """The text side of a model of open_clip, whichever of its classes that is, as ids to normed tokens."""

    attention: Tensor | None

    def __init__(self, model: Any) -> None:
        super().__init__()
        source = getattr(model, "text", model)
        if not hasattr(source, "token_embedding"):
            raise ConfigError(
                ["open_clip_text: this model's text tower is one of transformers; use hf_text with its weights"]
            )
        self.words: nn.Embedding = source.token_embedding
        self.positions = nn.Parameter(source.positional_embedding.detach().clone())
        self.transformer = source.transformer
        self.norm = source.ln_final
        self.padding = int(getattr(source, "pad_id", 0) or 0)
        self.pooling = str(getattr(source, "pool_type", getattr(source, "text_pool_type", "argmax")))
        mask = getattr(source, "attn_mask", None)
        # a tower that sees the padding, or reads its last place, was trained on texts of one length
        self.padded = mask is None or self.pooling == "last"
        self.layers = [_projection(source)]  # in a list: not a part of the tower
        self.register_buffer("attention", mask, persistent=False)

    def check(self, vocabulary: int, length: int) -> None:
        """Refuse a transform that knows more ids, or makes longer texts, than the tower.

        Raises:
            ConfigError: it does.
        """
        known, most = self.words.num_embeddings, len(self.positions)
        problems = []
        if vocabulary > known + 1:  # one more for a hidden token
            problems.append(f"open_clip_text: the transform knows {vocabulary} ids, the tower {known}")
        if length > most:
            problems.append(
                f"open_clip_text: a text may have {length} tokens with start and end, the tower knows {most} "
                "positions; lower the transform's max_tokens"
            )
        if problems:
            raise ConfigError(problems)

    def projection(self, trainable: str) -> OwnProjection | None:
        """The tower's way to the shared space; None for a tower whose summary is a class token, not read here."""
        if self.layers[0] is None:
            return None
        return OwnProjection(self.layers[0], width=self.words.embedding_dim, trainable=trainable)

    def make_room(self, mask_id: int) -> None:
        """Add a vector for hidden tokens, the mean of all words, if ``mask_id`` has none."""
        if mask_id < self.words.num_embeddings:
            return
        old = self.words.weight.detach()
        self.words = nn.Embedding(mask_id + 1, old.shape[1])
        self.words.weight.data = torch.cat([old, old.mean(0, keepdim=True)])

    def forward(self, ids: Tensor) -> Tensor:
        size = ids.shape[1]
        values = self.words(ids) + self.positions[:size]
        attention = None if self.attention is None else self.attention[:size, :size].to(values.dtype)
        return self.norm(self.transformer(values, attn_mask=attention))  # type: ignore[no-any-return]

    def set_grad_checkpointing(self, enable: bool) -> None:
        self.transformer.grad_checkpointing = enable


def _projection(source: Any) -> nn.Module | None:
    if getattr(source, "cls_emb", None) is not None:
        return None
    layer = getattr(source, "text_projection", None)
    if isinstance(layer, nn.Parameter):
        return Matrix(layer)
    return nn.Identity() if layer is None else layer
