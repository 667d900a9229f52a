"""Texts and tables as ids of a checkpoint's own tokenizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from m5kit.data.transforms._augment_words import TableAugmentation, TableChanges, TextAugmentation, TextChanges
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.words import WordFacts, load_tokenizer
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

NONE, KEY, VALUE = 0, 1, 2


class CheckpointWords(Transform):
    """What transforms share that read a checkpoint's tokenizer.

    The tokenizer's start and end tokens are left out: the encoder puts them around what a task may hide.
    """

    provided = frozenset({"vocabulary", "max_tokens", "mask_id", "start_id", "end_id", "tokenizer"})

    def __init__(self, weights: str, max_tokens: int, needed_by: str) -> None:
        if max_tokens < 1:
            raise ConfigError([f"{needed_by}.max_tokens: expected at least 1, got {max_tokens}"])
        self.weights, self.max_tokens = weights, max_tokens
        self.tokenizer = load_tokenizer(weights, needed_by)
        self.facts = WordFacts.of(self.tokenizer)

    def provides(self) -> Mapping[str, int]:
        """What an encoder must know of the tokenizer."""
        return {
            "vocabulary": self.facts.vocabulary,
            "max_tokens": self.max_tokens,
            "mask_id": self.facts.mask_id,
            "start_id": self.facts.start_id,
            "end_id": self.facts.end_id,
            "tokenizer": self.facts.fingerprint,
        }

    def state(self) -> Mapping[str, Any]:
        """The tokenizer's fingerprint."""
        return {"tokenizer": self.facts.fingerprint}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Make sure that the tokenizer is still the one of the run.

        Raises:
            ConfigError: the folder holds another by now.
        """
        # other ids for the same words would pass every check of shapes and make the weights worthless
        if state["tokenizer"] != self.facts.fingerprint:
            raise ConfigError([f"the tokenizer in {self.weights!r} is not the one that the run was trained with"])

    def ids(self, text: str) -> list[int]:
        """Ids without start and end."""
        # not verbose: it would warn of texts longer than the checkpoint's limit, which are cut here afterwards
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)


@TRANSFORMS.register_module("hf_tokenize")
class HFTokenize(CheckpointWords):
    """Text → ids ``l`` of a checkpoint's tokenizer, for ``hf_text``.

    Args:
        weights: the checkpoint, a local folder or a hub name; the encoder's own.
        max_tokens: longer texts are cut there; start and end tokens do not count.
        augmentation: what is left out in training (``augment``, ``word_dropout``, ``sentence_dropout``).
    """

    def __init__(self, *, weights: str, max_tokens: Count, augmentation: TextAugmentation = TextAugmentation()) -> None:
        super().__init__(weights, max_tokens, "hf_tokenize")
        self.changes = TextChanges(augmentation)

    def __call__(self, decoded: str, generator: np.random.Generator | None = None) -> Inputs:
        """Tokenise one text."""
        return Inputs.single(
            torch.tensor(self.ids(self.changes(decoded, generator))[: self.max_tokens], dtype=torch.int64)
        )

    def blank(self) -> Inputs:
        """An empty text."""
        return Inputs.single(torch.zeros(1, dtype=torch.int64))

    @classmethod
    def example(cls) -> tuple["HFTokenize", str]:
        """A transform with a small tokenizer, and a text."""
        return _small(cls), "red mug , large"


@TRANSFORMS.register_module("hf_properties")
class HFProperties(CheckpointWords):
    """Table → ids ``l`` of ``key : value ; key : value``, for ``table_serialised``; the pairs' places are kept.

    Args:
        weights: the checkpoint, a local folder or a hub name; the encoder's own.
        max_tokens: longer tables are cut there, between tokens.
        between: written between a key and its value; empty for nothing, as SCALE's pretraining does.
        after: written after a pair; empty for nothing.
        augmentation: what is left out in training (``augment``, ``column_dropout``, ``cell_dropout``).
    """

    def __init__(
        self,
        *,
        weights: str,
        max_tokens: Count,
        between: str = ":",
        after: str = ";",
        augmentation: TableAugmentation = TableAugmentation(),
    ) -> None:
        super().__init__(weights, max_tokens, "hf_properties")
        self.between = self.ids(between) if between else []
        self.after = self.ids(after) if after else []
        self.changes = TableChanges(augmentation)

    def __call__(self, decoded: Mapping[str, Any], generator: np.random.Generator | None = None) -> Inputs:
        """Serialise one table, in the order given."""
        ids, groups, roles = [], [], []
        for number, (key, value) in enumerate(self.changes(decoded, generator).items()):
            parts = [(self.ids(key), KEY), (self.between, NONE), (self.ids(_written(value)), VALUE), (self.after, NONE)]
            # built part by part and not from one text, so that every id knows its pair and its role
            for part, role in parts:
                ids += part
                groups += [number] * len(part)
                roles += [role] * len(part)
        return self._inputs(ids, groups, roles)

    def blank(self) -> Inputs:
        """An empty table."""
        return self._inputs([0], [-1], [NONE])

    @classmethod
    def example(cls) -> tuple["HFProperties", Mapping[str, Any]]:
        """A transform with a small tokenizer, and a table."""
        return _small(cls), {"colour": "red", "size": ["large", 3]}

    def _inputs(self, *columns: list[int]) -> Inputs:
        ids, groups, roles = (torch.tensor(column[: self.max_tokens], dtype=torch.int64) for column in columns)
        return Inputs.single(ids, {"groups": groups, "roles": roles})


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _small(kind: type[Any]) -> Any:
    """A transform of a tokenizer of twelve words."""
    from tempfile import TemporaryDirectory

    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import BertProcessing
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", ";", "red", "mug", "large", "colour", "size"]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    with TemporaryDirectory() as folder:
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
        return kind(weights=folder, max_tokens=8)
