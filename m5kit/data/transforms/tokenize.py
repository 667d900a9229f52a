"""A text becomes ids."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from m5kit.data.transforms._augment_words import TextAugmentation, TextChanges
from m5kit.data.transforms._vocabulary import Vocabulary
from m5kit.data.transforms.base import Transform
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("tokenize")
class TokenizeTransform(Transform):
    """Text → ids ``l`` int64; longer texts are cut. Works offline: the vocabulary is learned from the training items.

    Args:
        max_tokens: the most ids.
        vocabulary: the most ids to learn.
        file: a ``tokenizer.json`` to use instead of learning.
        lowercase: make everything lower case and strip accents.
        augmentation: what is left out in training (``augment``, ``word_dropout``, ``sentence_dropout``).
    """

    provided = frozenset({"vocabulary", "max_tokens", "mask_id"})

    def __init__(
        self,
        *,
        max_tokens: Count,
        vocabulary: Count = 8000,
        file: str | None = None,
        lowercase: bool = True,
        augmentation: TextAugmentation = TextAugmentation(),
    ) -> None:
        self.changes = TextChanges(augmentation)
        self.max_tokens = max_tokens
        self.words = Vocabulary(vocabulary, file, lowercase)

    def __call__(self, decoded: str, generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one text; one in which no word is left is a single unknown one."""
        ids = self.words.ids(self.changes(decoded, generator))[: self.max_tokens] or [self.words.unknown]
        return Inputs.single(torch.tensor(ids, dtype=torch.int64))

    def blank(self) -> Inputs:
        """Padding of the full length."""
        return Inputs.single(torch.zeros(self.max_tokens, dtype=torch.int64))

    def provides(self) -> Mapping[str, int]:
        """The vocabulary's size, the id that hides a token, and the most ids."""
        return {**self.words.facts(), "max_tokens": self.max_tokens}

    @property
    def learns(self) -> bool:
        """Whether the vocabulary is learned; one from a file is complete."""
        return not self.words.given

    def fit(self, corpus: Iterable[Any]) -> None:
        """Learn the vocabulary."""
        self.words.learn(corpus)

    def state(self) -> Mapping[str, Any]:
        """The vocabulary."""
        return self.words.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take the vocabulary back."""
        self.words.load_state(state)

    @classmethod
    def example(cls) -> tuple["TokenizeTransform", str]:
        """A title."""
        return cls(max_tokens=6, vocabulary=60), "red ceramic mug 红色杯子 red mug"
