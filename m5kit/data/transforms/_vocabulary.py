"""Words as ids: a vocabulary learned from the corpus, or taken from a tokenizer file. Needs no network."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from m5kit.errors import ConfigError

PADDING, UNKNOWN, MASK = "[PAD]", "[UNK]", "[MASK]"
"""The first three ids of a learned vocabulary, in this order."""


class Vocabulary:
    """A byte-pair tokenizer (Hugging Face ``tokenizers``) with a mask; Chinese is split into characters.

    Args:
        size: the most ids to learn.
        file: a ``tokenizer.json`` to use instead of learning; its own ids stay. It must have a padding and a mask
            token, named ``[PAD]`` and ``[MASK]`` or ``<pad>`` and ``<mask>``.
        lowercase: make everything lower case and strip accents before learning and reading.
    """

    def __init__(self, size: int, file: str | None, lowercase: bool) -> None:
        self.size = size
        self.lowercase = lowercase
        self.given = file is not None
        self._tokenizer = None if file is None else _from_file(Path(file))

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer.

        Raises:
            ConfigError: nothing was learned yet.
        """
        if self._tokenizer is None:
            raise ConfigError(["the vocabulary is not learned yet; call fit() with a corpus, or name a tokenizer file"])
        return self._tokenizer

    def learn(self, texts: Iterable[str]) -> None:
        """Learn byte pairs from texts; the same texts give the same vocabulary.

        Byte pairs, because the library's WordPiece numbers its pieces in another order in every process.
        """
        from tokenizers import models, normalizers, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=self.lowercase, lowercase=self.lowercase
        )
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace()]  # every word begins with a mark
        )
        trainer = trainers.BpeTrainer(
            vocab_size=self.size, special_tokens=[PADDING, UNKNOWN, MASK], min_frequency=2, show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
        self._tokenizer = tokenizer

    def ids(self, text: str) -> list[int]:
        """Ids of a text, without special tokens; a typed ``[MASK]`` is a word like any other."""
        tokenizer = self.tokenizer
        tokenizer.encode_special_tokens = True
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    @property
    def unknown(self) -> int:
        """The id of what is not in the vocabulary; a file that knows no such id gives the one of padding."""
        return _special(self.tokenizer, UNKNOWN, "<unk>", PADDING, "<pad>")

    def facts(self) -> dict[str, int]:
        """How many ids there are (before learning: the most there can be), and which one hides a token."""
        if self._tokenizer is None:
            return {"vocabulary": self.size, "mask_id": 2}
        return {"vocabulary": self.tokenizer.get_vocab_size(), "mask_id": _special(self.tokenizer, MASK, "<mask>")}

    def state(self) -> dict[str, Any]:
        """The tokenizer as JSON data."""
        return {"tokenizer": self.tokenizer.to_str()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        self._tokenizer = Tokenizer.from_str(state["tokenizer"])


def _from_file(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises a bare Exception for everything
        raise ConfigError([f"cannot read the tokenizer {path}: {error}; give a tokenizer.json"]) from error
    for names in ((PADDING, "<pad>"), (MASK, "<mask>")):
        _special(tokenizer, *names)
    return tokenizer


def _special(tokenizer: Tokenizer, *names: str) -> int:
    found = [number for name in names if (number := tokenizer.token_to_id(name)) is not None]
    if not found:
        raise ConfigError([f"the tokenizer has no token {' or '.join(names)}; masked tasks and padding need it"])
    return found[0]
