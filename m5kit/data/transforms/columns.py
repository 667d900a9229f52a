"""Tables as typed columns: numbers keep their size, words and unseen properties are hashed."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch

from m5kit.data.transforms._augment_words import TableAugmentation, TableChanges
from m5kit.data.transforms.base import Transform
from m5kit.errors import ConfigError
from m5kit.ranges import Count, Natural, Share
from m5kit.registry import TRANSFORMS
from m5kit.structures import Inputs

FIRST = 3
"""Ids before are padding, unknown and mask."""

MICRO = 1_000_000
"""Numbers are standardised and kept as millionths, because facts about steps are whole numbers."""

NO_NUMBER = -(2**62)
HUGE = 1e150
"""The square of a larger number is infinite, and so would be the spread of the property."""

FAR = 100.0
"""Standard deviations beyond which a number is cut off."""

VALUE = 2
"""Role of a token, see ``Observation.roles``."""


@TRANSFORMS.register_module("columns")
class ColumnsTransform(Transform):
    """Table → one id a value ``l``, with the property and the number of each, for ``table_columns``.

    A property whose values in the corpus are nearly all numbers (texts such as "12.5" too) is one of numbers: an id
    tells in which share of the corpus a value lies, and its standardised size goes along. Everything else is hashed,
    properties that are not among the ``known`` most frequent ones too.

    Args:
        max_tokens: tables with more values are cut there.
        known: how many properties get an id of their own.
        hashed: ids for all other properties together.
        buckets: ids for words.
        bins: ids for numbers.
        numeric: share of a property's values that must be numbers.
        augmentation: what is left out in training (``augment``, ``column_dropout``, ``cell_dropout``).
    """

    provided = frozenset({"vocabulary", "max_tokens", "mask_id", "columns"})

    def __init__(
        self,
        *,
        max_tokens: Count = 32,
        known: Natural = 1_000,
        hashed: Count = 256,
        buckets: Count = 8_192,
        bins: Count = 32,
        numeric: Share = 0.9,
        augmentation: TableAugmentation = TableAugmentation(),
    ) -> None:
        if min(max_tokens, known, hashed, buckets) < 1 or bins < 2 or not 0 < numeric <= 1:
            raise ConfigError(["columns: expected sizes of at least 1, bins of at least 2 and numeric in (0, 1]"])
        self.max_tokens, self.known, self.hashed = max_tokens, known, hashed
        self.buckets, self.bins, self.numeric = buckets, bins, numeric
        self.changes = TableChanges(augmentation)
        self.keys: dict[str, int] = {}
        self.scales: dict[str, tuple[float, float]] = {}
        self.edges: dict[str, np.ndarray[Any, Any]] = {}

    def fit(self, corpus: Iterable[Mapping[str, Any]]) -> None:
        """Learn which properties there are, and the range of those that are numbers."""
        seen: Counter[str] = Counter()
        numbers: dict[str, list[float]] = defaultdict(list)
        for table in corpus:
            for key, value in _values(table):
                seen[key] += 1
                number = _number(value)
                if number is not None:
                    numbers[key].append(number)
        self.keys = {key: i for i, (key, _) in enumerate(seen.most_common(self.known), start=1)}
        for key in self.keys:
            if numbers[key] and len(numbers[key]) >= self.numeric * seen[key]:
                found = np.clip(numbers[key], -HUGE, HUGE)
                # a property that is always the same has no spread; 1 leaves it at 0
                self.scales[key] = (float(found.mean()), float(found.std()) or 1.0)
                # shares of the corpus and not equal steps: one price of a million would leave all others in one bin
                self.edges[key] = np.unique(np.quantile(found, np.linspace(0, 1, self.bins + 1)[1:-1]))

    def __call__(self, decoded: Mapping[str, Any], generator: np.random.Generator | None = None) -> Inputs:
        """Prepare one table."""
        decoded = self.changes(decoded, generator)
        groups = dict(zip(decoded, range(len(decoded)), strict=True))
        ids, columns, numbers, places = [], [], [], []
        for key, value in islice(_values(decoded), self.max_tokens):
            found, column, number = self._token(key, value)
            ids.append(found)
            columns.append(column)
            numbers.append(number)
            places.append(groups[key])  # the values of a list belong to one property and are hidden together
        return _inputs(ids, columns, numbers, places) if ids else self.blank()

    def blank(self) -> Inputs:
        """One value of nothing."""
        return _inputs([0], [0], [NO_NUMBER], [-1])

    def provides(self) -> Mapping[str, int]:
        """How many ids there are for values and for properties."""
        return {
            "vocabulary": FIRST + self.buckets + self.bins,
            "max_tokens": self.max_tokens,
            "mask_id": 2,
            "columns": 1 + self.known + self.hashed,
        }

    def state(self) -> Mapping[str, Any]:
        """Properties in the order of their ids, scales and bins."""
        numeric = {}
        for key, scale in self.scales.items():
            numeric[key] = {"scale": scale, "edges": self.edges[key].tolist()}
        return {"keys": list(self.keys), "numbers": numeric}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take back what :meth:`state` gave."""
        self.keys = {key: i for i, key in enumerate(state["keys"], start=1)}
        self.scales, self.edges = {}, {}
        for key, found in state["numbers"].items():
            mean, spread = found["scale"]
            self.scales[key] = (mean, spread)
            self.edges[key] = np.array(found["edges"])

    def _token(self, key: str, value: Any) -> tuple[int, int, int]:
        """Ids of value and property, and the number in millionths."""
        column = self.keys.get(key) or 1 + self.known + _hash(key) % self.hashed
        number = _number(value) if key in self.scales else None
        if number is None:
            return FIRST + _hash(f"{key}\0{str(value).casefold()}") % self.buckets, column, NO_NUMBER
        mean, spread = self.scales[key]
        standard = float(np.clip((number - mean) / spread, -FAR, FAR))
        share = int(np.searchsorted(self.edges[key], number, side="right"))
        return FIRST + self.buckets + share, column, round(standard * MICRO)

    @classmethod
    def example(cls) -> tuple["ColumnsTransform", Mapping[str, Any]]:
        """A small transform, and a table of words and numbers."""
        return cls(max_tokens=8, known=4, hashed=3, buckets=16, bins=4), {"colour": ["red", "blue"], "weight": "12.5"}


def _inputs(ids: list[int], columns: list[int], numbers: list[int], groups: list[int]) -> Inputs:
    extras = {"columns": columns, "numbers": numbers, "groups": groups, "roles": [VALUE] * len(ids)}
    return Inputs.single(torch.tensor(ids), {name: torch.tensor(each) for name, each in extras.items()})


def _values(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Property and value, a list's values one by one."""
    for key, value in table.items():
        for each in value if isinstance(value, list) else [value]:
            yield key, each


def _number(value: Any) -> float | None:
    if isinstance(value, bool):  # a kind of int in Python, but yes and no have no size
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _hash(text: str) -> int:
    # not Python's hash: it differs from process to process, and ids must be those of the training run
    return zlib.crc32(text.encode())
