"""Augmentation of texts and tables: words, sentences, properties and values are left out at random."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from m5kit.arguments import ArgumentGroup
from m5kit.data.transforms._augment import Strength, amounts, check_chances
from m5kit.ranges import Share

TEXTS: Mapping[str, Mapping[str, float]] = {
    "none": {"word_dropout": 0.0, "sentence_dropout": 0.0},
    "light": {"word_dropout": 0.1, "sentence_dropout": 0.1},
    "strong": {"word_dropout": 0.25, "sentence_dropout": 0.3},
}
TABLES: Mapping[str, Mapping[str, float]] = {
    "none": {"column_dropout": 0.0, "cell_dropout": 0.0},
    "light": {"column_dropout": 0.1, "cell_dropout": 0.05},
    "strong": {"column_dropout": 0.3, "cell_dropout": 0.15},
}

SENTENCE = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；\n])")
# a word with the space after it, or a character of a script that writes none
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+\s*|\s+")


@dataclass(frozen=True)
class TextAugmentation(ArgumentGroup):
    """What is left out of texts in training; None takes the chance of the named strength.

    Args:
        augment: ``none``, ``light`` or ``strong``.
        word_dropout: chance of each word.
        sentence_dropout: chance of each sentence.
    """

    augment: Strength = "none"
    word_dropout: Share | None = None
    sentence_dropout: Share | None = None


@dataclass(frozen=True)
class TableAugmentation(ArgumentGroup):
    """What is left out of tables in training; None takes the chance of the named strength.

    Args:
        augment: ``none``, ``light`` or ``strong``.
        column_dropout: chance of each property, with its values.
        cell_dropout: chance of each value; the property stays.
    """

    augment: Strength = "none"
    column_dropout: Share | None = None
    cell_dropout: Share | None = None


class TextChanges:
    """Leaves words and sentences of a text out; one of each always stays.

    Args:
        augmentation: the chances.

    Raises:
        ConfigError: there is no such strength, or a chance is none.
    """

    def __init__(self, augmentation: TextAugmentation) -> None:
        given = dict(augmentation.arguments)
        chances = amounts(TEXTS, given.pop("augment"), given)
        check_chances(**chances)
        self.words, self.sentences = chances["word_dropout"], chances["sentence_dropout"]

    def __call__(self, text: str, generator: np.random.Generator | None) -> str:
        """The text without some of its parts; all of it without a generator."""
        if generator is None:
            return text
        # whole sentences first: words are then left out of what remains
        if self.sentences:
            text = " ".join(_thinned(SENTENCE.split(text), self.sentences, generator))
        if self.words:
            text = "".join(_thinned(WORD.findall(text), self.words, generator))
        return text


class TableChanges:
    """Leaves properties and values of a table out; one property always stays.

    Args:
        augmentation: the chances.

    Raises:
        ConfigError: there is no such strength, or a chance is none.
    """

    def __init__(self, augmentation: TableAugmentation) -> None:
        given = dict(augmentation.arguments)
        chances = amounts(TABLES, given.pop("augment"), given)
        check_chances(**chances)
        self.columns, self.cells = chances["column_dropout"], chances["cell_dropout"]

    def __call__(self, table: Mapping[str, Any], generator: np.random.Generator | None) -> Mapping[str, Any]:
        """The table without some of its parts; all of it without a generator."""
        if generator is None:
            return table
        if self.columns:
            kept = _thinned(list(table), self.columns, generator)
            table = {key: table[key] for key in kept}
        if self.cells:
            emptied = {}
            for key, value in table.items():
                emptied[key] = self._emptied(value, generator)
            table = emptied
        return table

    def _emptied(self, value: Any, generator: np.random.Generator) -> Any:
        if isinstance(value, list):
            return [each for each in value if generator.random() >= self.cells]
        return [] if generator.random() < self.cells else value


def _thinned(parts: list[str], chance: float, generator: np.random.Generator) -> list[str]:
    """Those parts that are not left out, at least one."""
    if len(parts) < 2:
        return parts
    # one draw for every part, kept or not, so that the random numbers that follow do not depend on what is left out
    kept = [part for part, number in zip(parts, generator.random(len(parts)), strict=True) if number >= chance]
    return kept or [parts[int(generator.integers(len(parts)))]]
