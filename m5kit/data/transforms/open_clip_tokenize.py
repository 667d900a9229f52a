"""Texts as ids of the tokenizer that open_clip brings along."""

from collections.abc import Mapping

import numpy as np
import torch

from m5kit.data.transforms._augment_words import TextAugmentation, TextChanges
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.library import import_library
from m5kit.ranges import Count
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs


@TRANSFORMS.register_module("open_clip_tokenize")
class OpenClipTokenize(Transform):
    """Text → ids ``l`` of CLIP's tokenizer, for ``open_clip_text``; needs no file but the library.

    For models with another tokenizer use ``hf_tokenize`` with the folder of theirs. CLIP has no mask token, so the next
    free id stands for a hidden one.

    Args:
        max_tokens: longer texts are cut there; CLIP reads 77 with start and end.
        augmentation: what is left out in training (``augment``, ``word_dropout``, ``sentence_dropout``).
    """

    provided = frozenset({"vocabulary", "max_tokens", "mask_id", "start_id", "end_id"})

    def __init__(self, *, max_tokens: Count = 75, augmentation: TextAugmentation = TextAugmentation()) -> None:
        if max_tokens < 1:
            raise ConfigError([f"open_clip_tokenize.max_tokens: expected at least 1, got {max_tokens}"])
        self.max_tokens, self.changes = max_tokens, TextChanges(augmentation)
        self.tokenizer = import_library("open_clip", "open_clip_tokenize", "open_clip_torch").SimpleTokenizer()

    def __call__(self, decoded: str, generator: np.random.Generator | None = None) -> Inputs:
        """Tokenise one text, as CLIP does in lower case."""
        text = self.changes(decoded, generator).lower()
        return Inputs.single(torch.tensor(self.tokenizer.encode(text)[: self.max_tokens], dtype=torch.int64))

    def blank(self) -> Inputs:
        """An empty text."""
        return Inputs.single(torch.zeros(1, dtype=torch.int64))

    def provides(self) -> Mapping[str, int]:
        """What the encoder must know of the tokenizer."""
        size = self.tokenizer.vocab_size
        return {
            "vocabulary": size + 1,
            "max_tokens": self.max_tokens,
            "mask_id": size,
            "start_id": self.tokenizer.sot_token_id,
            "end_id": self.tokenizer.eot_token_id,
        }

    @classmethod
    def example(cls) -> tuple["OpenClipTokenize", str]:
        """A transform, and a text."""
        return cls(max_tokens=8), "A red mug, large"
