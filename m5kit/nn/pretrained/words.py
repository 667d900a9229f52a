"""The tokenizers of checkpoints: their special ids, and a fingerprint that identifies them."""

import zlib
from dataclasses import dataclass
from typing import Any

from m5kit.errors import ConfigError
from m5kit.nn.pretrained.library import import_library
from m5kit.nn.pretrained.weights import Weights, fetch


@dataclass(frozen=True, slots=True)
class WordFacts:
    """The facts that an encoder needs about a tokenizer; -1 stands for a token that it does not have.

    Attributes:
        vocabulary: the number of ids, including that of the mask.
        mask_id: id of a hidden token; the next free one where the tokenizer has none.
        start_id: id before a text.
        end_id: id after a text.
        fingerprint: differs between tokenizers.
    """

    vocabulary: int
    mask_id: int
    start_id: int
    end_id: int
    fingerprint: int

    @classmethod
    def of(cls, tokenizer: Any) -> "WordFacts":
        """Read a tokenizer of transformers."""
        # not len(): ids may have gaps
        size = max(tokenizer.get_vocab().values()) + 1
        start, end = _around(tokenizer)
        mask = tokenizer.mask_token_id
        return cls(
            size if mask is not None else size + 1, size if mask is None else mask, start, end, _fingerprint(tokenizer)
        )


def load_tokenizer(weights: str, needed_by: str) -> Any:
    """The tokenizer of a checkpoint, from a folder or the hub.

    Raises:
        ConfigError: there is none; says how to get it.
    """
    transformers = import_library("transformers", needed_by)
    return fetch(transformers.AutoTokenizer.from_pretrained, weights, needed_by)


def check_words(fingerprint: int, weights: Weights, needed_by: str) -> None:
    """Refuse ids of another tokenizer than that of the weights.

    Raises:
        ConfigError: the tokenizers differ.
    """
    if not isinstance(weights, str) or not fingerprint:
        return
    try:
        own = load_tokenizer(weights, needed_by)
    except ConfigError:
        return  # the checkpoint has no tokenizer, so nothing contradicts the transform
    if _fingerprint(own) != fingerprint:
        raise ConfigError(
            [f"{needed_by}: {weights!r} was trained with another tokenizer; give the transform weights: {weights}"]
        )


def _around(tokenizer: Any) -> tuple[int, int]:
    """The ids around an empty text."""
    ids = tokenizer("").input_ids
    first = [tokenizer.cls_token_id, tokenizer.bos_token_id]
    last = [tokenizer.sep_token_id, tokenizer.eos_token_id]
    start = ids[0] if ids and ids[0] in first else -1
    end = ids[-1] if ids and ids[-1] in last and (len(ids) > 1 or start < 0) else -1
    return start, end


def _fingerprint(tokenizer: Any) -> int:
    """A number that identifies a vocabulary with its order."""
    # with the numbers: the same words in another order are another tokenizer
    words = sorted(tokenizer.get_vocab().items(), key=lambda found: found[1])
    return zlib.crc32("\0".join(f"{number} {word}" for word, number in words).encode())
