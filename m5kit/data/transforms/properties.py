"""A table becomes ids that remember their property and their part in it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from m5kit.data.decode._words import written
from m5kit.data.transforms._augment_words import TableAugmentation, TableChanges
from m5kit.data.transforms._vocabulary import Vocabulary
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

NONE, KEY, VALUE = 0, 1, 2
SEPARATORS: Mapping[str, tuple[str, str]] = {"punctuation": (":", ";"), "none": ("", "")}
"""What stands between a key and its value, and after the value."""


@TRANSFORMS.register_module("properties")
class PropertiesTransform(Transform):
    """Property → value becomes ``key : value ;`` as ids ``l`` that know their pair (``groups``) and part (``roles``).

    A pair that does not fit whole is left out, and so are those after it; a first pair that is too long is cut.

    Args:
        max_tokens: the most ids.
        vocabulary: the most ids to learn.
        file: a ``tokenizer.json`` to use instead of learning.
        separator: ``punctuation`` writes ``:`` and ``;``, ``none`` nothing, as SCALE's pretraining does.
        shuffle: in training, put the pairs in random order: properties are a set.
        augmentation: what is left out in training (``augment``, ``column_dropout``, ``cell_dropout``).

    Raises:
        ConfigError: ``separator`` is neither.
    """

    provided = frozenset({"vocabulary", "max_tokens", "mask_id"})

    def __init__(
        self,
        *,
        max_tokens: Count,
        vocabulary: Count = 8000,
        file: str | None = None,
        separator: str = "punctuation",
        shuffle: bool = True,
        augmentation: TableAugmentation = TableAugmentation(),
    ) -> None:
        if separator not in SEPARATORS:
            raise ConfigError([f"properties.separator: expected {' or '.join(SEPARATORS)}, got {separator!r}"])
        self.max_tokens = max_tokens
        self.words = Vocabulary(vocabulary, file, lowercase=True)
        self.between, self.after = SEPARATORS[separator]
        self.shuffle, self.changes = shuffle, TableChanges(augmentation)

    def __call__(self, decoded: Mapping[str, Any], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one table."""
        pairs = list(self.changes(decoded, generator).items())
        if generator is not None and self.shuffle:
            pairs = [pairs[i] for i in generator.permutation(len(pairs))]
        tokens: list[tuple[int, int, int]] = []
        for number, (key, value) in enumerate(pairs):
            pair = [(word, number, role) for word, role in self._pair(key, value)]
            # half a pair would be a key whose value a masked task asks for and nobody can know
            if tokens and len(tokens) + len(pair) > self.max_tokens:
                break
            tokens += pair
        return self._inputs(tokens[: self.max_tokens] or [(self.words.unknown, -1, NONE)])

    def blank(self) -> Inputs:
        """Padding of the full length."""
        # full length, because the policy ``zero`` of the paper counts the padding as present
        return self._inputs([(0, -1, NONE)] * self.max_tokens)

    def provides(self) -> Mapping[str, int]:
        """The vocabulary's size, the id that hides a token, and the most ids."""
        return {**self.words.facts(), "max_tokens": self.max_tokens}

    @property
    def learns(self) -> bool:
        """Whether the vocabulary is learned; one from a file is complete."""
        return not self.words.given

    def fit(self, corpus: Iterable[Any]) -> None:
        """Learn the vocabulary of keys and values."""
        self.words.learn(_sentences(corpus))

    def state(self) -> Mapping[str, Any]:
        """The vocabulary."""
        return self.words.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take the vocabulary back."""
        self.words.load_state(state)

    @classmethod
    def example(cls) -> tuple["PropertiesTransform", dict[str, Any]]:
        """A few properties."""
        return cls(max_tokens=12, vocabulary=60), {"colour": "red", "sizes": [38, 39], "washable": True}

    def _pair(self, key: str, value: Any) -> list[tuple[int, int]]:
        parts = ((key.replace("_", " "), KEY), (self.between, NONE), (written(value), VALUE), (self.after, NONE))
        pair: list[tuple[int, int]] = []
        for text, role in parts:
            if text:
                pair.extend((word, role) for word in self.words.ids(text))
        return pair

    def _inputs(self, tokens: list[tuple[int, int, int]]) -> Inputs:
        ids, groups, roles = (torch.tensor(column, dtype=torch.int64) for column in zip(*tokens, strict=True))
        return Inputs.single(ids, {"groups": groups, "roles": roles})


def _sentences(corpus: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Every pair of every table as the vocabulary sees it."""
    for table in corpus:
        for key, value in table.items():
            yield f"{key} : {written(value)} ;"
