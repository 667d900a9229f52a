"""Token ids through any text network of Hugging Face transformers: titles, and tables written out as text."""

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from m5kit.encoders.pretrained.base import PretrainedEncoder, TokenOptions
from m5kit.errors import ConfigError, ContractError
from m5kit.nn.pretrained.lengths import run_alike
from m5kit.nn.pretrained.projections import find_projection
from m5kit.nn.pretrained.sequences import keep_layers, wrap
from m5kit.nn.pretrained.tuning import Pretrained, Tuning
from m5kit.nn.pretrained.weights import Loaded, Weights, load_network
from m5kit.nn.pretrained.words import check_words
from m5kit.ranges import Count, Natural, TokenId
from m5kit.registry import ENCODERS
from m5kit.structures import Inputs, Observation

Pooling = Literal["auto", "first", "last", "mean"]
UNMASKED = ("siglip_text_model", "siglip2_text_model")
"""Networks that were trained on texts padded to one length, the padding seen."""
PROJECTIONS = {
    "clip": ("text_projection",),
    "metaclip_2": ("text_projection",),
    "chinese_clip": ("text_projection",),
    "siglip": ("text_model.head",),
    "clap": ("text_model.pooler.dense", "text_model.pooler.activation", "text_projection"),
}
"""Of two-tower models, what takes the summary to the space shared with the other tower."""


@ENCODERS.register_module("hf_text")
class HFText(PretrainedEncoder):
    """A text encoder of transformers (BERT, RoBERTa, multilingual ones, CLIP, T5 ...); a task hides ids.

    Ids come from the transform ``hf_tokenize``, without the tokenizer's start and end tokens: these are put around a
    text here, so that no task hides them. With ``tokenize``, whose ids no checkpoint knows, begin at random.

    The text tower of a two-tower checkpoint (CLIP, SigLIP, CLAP, Chinese CLIP), read whole and with ``pooling: auto``,
    keeps its own projection: the contrastive features begin as what ``get_text_features`` gives.

    Args:
        dim: width d of the tokens.
        vocabulary: how many ids there are.
        max_tokens: the longest text.
        mask_id: the id of a hidden token.
        start_id: the tokenizer's id before a text, -1 if it has none.
        end_id: the tokenizer's id after a text, -1 if it has none.
        tokenizer: fingerprint of the tokenizer that made the ids, 0 if it is not a checkpoint's.
        weights: a local folder, a hub name, or a config with ``model_type`` that begins at random.
        tuning: how the network is trained (``trainable``, ``layer_decay``, ``rate_scale``, ``checkpointing``).
        keep: how many of the network's blocks are kept, from the first; None keeps all.
        tokens: what a task may hide and what comes out (``hides``, ``output``, ``mixing``, ``heads``).
        pooling: the summary: the ``first`` token, the ``last``, their ``mean``; ``auto`` does as the network was
            trained.
    """

    name = "hf_text"

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
        tokenizer: Natural = 0,
        tuning: Tuning = Tuning(),
        keep: Count | None = None,
        tokens: TokenOptions = TokenOptions(),
        pooling: Pooling = "auto",
    ) -> None:
        check_words(tokenizer, weights, self.name)
        loaded, network = _text_network(weights, self.name)
        keep_layers(network, keep)
        config = network.config
        projection = None
        if keep is None and pooling == "auto":  # what is cut off or read elsewhere does not fit the projection
            facts: Any = {"trainable": tuning.trainable, "weights": weights, "needed_by": self.name}
            projection = find_projection(loaded, PROJECTIONS, width=config.hidden_size, **facts)
        if getattr(network, "pooler", None) is not None:
            network.pooler = None  # trained for another task in the checkpoints that have one
        _check_sizes(network, vocabulary, max_tokens + (start_id >= 0) + (end_id >= 0), self.name)
        if mask_id >= config.vocab_size:
            network.resize_token_embeddings(mask_id + 1)
        backbone = Pretrained(network, tuning)
        super().__init__(
            dim=dim,
            width=config.hidden_size,
            backbone=backbone,
            tokens=tokens,
            projection=projection,
        )
        self.vocabulary, self.mask_id, self.start_id, self.end_id = vocabulary, mask_id, start_id, end_id
        self.padding = config.pad_token_id or 0
        self.pooling = _pooling(pooling, config.model_type, start_id, end_id)
        self.full = config.max_position_embeddings if config.model_type in UNMASKED else None

    def cut(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` as they are, with the unit and the role of each where the transform says them."""
        return Observation(
            inputs.values,
            inputs.lengths,
            inputs.extras.get("groups"),
            inputs.extras.get("roles"),
            self.vocabulary,
            self.mask_id,
        )

    def run(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Summary ``p c`` and tokens ``p l c``."""
        return run_alike(self._run, observation.values, observation.lengths, apart=self.full is None)

    def _run(self, observed: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """The same of ids ``p l``, all of them padded to one length."""
        size, device = observed.shape[1], observed.device
        ids, lengths = wrap(observed, counts, self.start_id, self.end_id, self.padding, self.full)
        real = (torch.arange(ids.shape[1]) < lengths[:, None]).to(device, non_blocking=True)
        values = self.backbone(input_ids=ids, attention_mask=None if self.full else real.long()).last_hidden_state
        first = int(self.start_id >= 0)
        tokens = values[:, first : first + size]
        if self.pooling == "first":
            return values[:, 0], tokens
        if self.pooling == "last":
            last = torch.full_like(lengths, ids.shape[1]) if self.full else lengths
            return values[torch.arange(values.shape[0]), (last - 1).to(device, non_blocking=True)], tokens
        share = real / real.sum(1, keepdim=True).clamp(min=1)
        return (share[:, None].to(values.dtype) @ values.masked_fill(~real[..., None], 0.0)).squeeze(1), tokens

    @classmethod
    def example(cls) -> tuple["HFText", Inputs]:
        """A one-layer BERT that begins at random, and three texts."""
        return cls(**_EXAMPLE), _example_inputs()


@ENCODERS.register_module("table_serialised")
class TableSerialised(HFText):
    """A table written out as ``key : value ; key : value`` and read as a text, as SCALE does.

    Ids come from the transform ``hf_properties`` (or ``properties``), which says which pair a token belongs to, so that
    ``masked_entities`` can hide whole keys and values. See ``hf_text`` for the arguments.
    """

    name = "table_serialised"

    def cut(self, inputs: Inputs) -> Observation:
        """The ids ``p l`` as they are, with the pair and the role of each.

        Raises:
            ContractError: the transform gave no groups or no roles.
        """
        if not {"groups", "roles"} <= inputs.extras.keys():
            raise ContractError(
                f"a table needs extras 'groups' and 'roles', got {sorted(inputs.extras)}; use the transform "
                "'hf_properties' or 'properties'"
            )
        return super().cut(inputs)

    @classmethod
    def example(cls) -> tuple["TableSerialised", Inputs]:
        """A one-layer BERT that begins at random, and three tables."""
        inputs = _example_inputs()
        groups = torch.arange(6).div(3, rounding_mode="floor").expand(3, -1)
        return cls(**_EXAMPLE), replace(
            inputs, extras={"groups": groups, "roles": torch.tensor([1, 2, 2] * 2).expand(3, -1)}
        )


_EXAMPLE: dict[str, Any] = {
    "dim": 12,
    "vocabulary": 20,
    "max_tokens": 6,
    "mask_id": 4,
    "start_id": 2,
    "end_id": 3,
    "tuning": Tuning(trainable="all"),
    "weights": {
        "model_type": "bert",
        "vocab_size": 20,
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 8,
    },
}


def _example_inputs() -> Inputs:
    return Inputs(torch.randint(5, 20, (3, 6)), torch.tensor([6, 2, 4]))


def _text_network(weights: Weights, needed_by: str) -> tuple[Loaded, Any]:
    """The model of the checkpoint, and the network in it that reads text."""
    loaded = load_network(weights, needed_by)
    network: Any = loaded.network
    if network.config.is_encoder_decoder:
        loaded = replace(loaded, network=network.get_encoder())
    return loaded, loaded.part("text_model").complete(weights, needed_by)


def _check_sizes(network: Any, vocabulary: int, length: int, needed_by: str) -> None:
    config, problems = network.config, []
    if vocabulary > config.vocab_size + 1:  # one more for a mask token that the tokenizer lacks
        problems.append(
            f"{needed_by}: the transform knows {vocabulary} ids, the network {config.vocab_size}; give the transform "
            "the same weights, or a config with a larger vocab_size"
        )
    positions = getattr(config, "max_position_embeddings", None)
    table = getattr(getattr(network, "embeddings", None), "position_embeddings", None)
    offset = getattr(table, "padding_idx", None)  # RoBERTa's kin count positions from there
    if positions is not None and offset is not None:
        positions -= offset + 1
    if positions is not None and length > positions:
        problems.append(
            f"{needed_by}: a text may have {length} tokens with start and end, the network knows {positions} "
            "positions; lower the transform's max_tokens"
        )
    if problems:
        raise ConfigError(problems)


def _pooling(pooling: Pooling, model_type: str, start_id: int, end_id: int) -> str:
    if pooling != "auto":
        return pooling
    if model_type in UNMASKED or (model_type == "clip_text_model" and end_id >= 0):
        return "last"
    return "first" if start_id >= 0 else "mean"
