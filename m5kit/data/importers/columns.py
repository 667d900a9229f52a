"""Says which column of a foreign row is which part of an item."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from m5kit.errors import DataError

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Blob:
    """A media file that is inside the source."""

    data: bytes
    suffix: str


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which columns make an item.

    Attributes:
        modalities: by modality, the column; or several, the first of which that has a value counts.
        table: columns that are properties of the item's table; a column that holds a whole table (a mapping or a JSON
            text) is named in ``modalities`` instead.
        numbers: columns of ``table`` whose texts are numbers.
        labels: by label name, its column.
        id: the item's name; without it the column ``id``, or else the row's number.
        split: the column of the split; without it the column ``split``, if there is one.
        shares: how large each split is to be, where the source has no such column.
        seed: of the draw of splits.
    """

    modalities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    table: Sequence[str] = ()
    numbers: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    id: str | None = None
    split: str | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.modalities and not self.table:
            raise DataError("no column is mapped to a modality; say --map MODALITY=COLUMN or --table COLUMN,COLUMN")
        if self.split and self.shares:
            raise DataError("the split comes from a column or from shares; give --split or --split-by, not both")
        if self.shares and (min(self.shares.values()) < 0 or not math.isclose(sum(self.shares.values()), 1)):
            raise DataError(f"the shares of --split-by add up to {sum(self.shares.values()):g}; they must add up to 1")
        if strange := [name for name in self.numbers if name not in self.table]:
            raise DataError(f"{strange[0]!r} must be a number, but is no column of --table")

    @property
    def named(self) -> set[str]:
        """Every column that is asked for; of several for a modality only the first."""
        chosen = (self.id, self.split, *self.table, *self.labels.values())
        return {name for name in chosen if name} | {names[0] for names in self.modalities.values() if len(names) == 1}

    def item(self, row: Row, number: int) -> dict[str, Any]:
        """The row as a manifest has it; media are still as the source gives them.

        Raises:
            DataError: a table or a number cannot be read.
        """
        name = self._name(row, number)
        values = {m: _first(row, columns) for m, columns in self.modalities.items()}
        if self.table:
            values["table"] = dict(self._properties(row, name))
        if "text" in values:
            values["text"] = _text(values["text"])
        if "table" in values:
            values["table"] = _table(values["table"], name)
        labels = {label: str(row[column]) for label, column in self.labels.items() if _there(row.get(column))}
        return {"id": name, "split": self._split(row, name), **values, "labels": labels or None}

    def _name(self, row: Row, number: int) -> str:
        if self.id is None:
            return str(_first(row, ("id", "__key__")) or f"{number:09d}")
        if not _there(row.get(self.id)):
            raise DataError(f"row {number} has no {self.id}; every item needs an id, or leave out --id to number them")
        return str(row[self.id])

    def _properties(self, row: Row, name: str) -> Iterator[tuple[str, Any]]:
        for column in self.table:
            value = row.get(column)
            if _there(value):
                yield column, _number(value, column, name) if column in self.numbers else value

    def _split(self, row: Row, name: str) -> str | None:
        if self.shares:
            return draw_split(name, self.shares, self.seed)
        split = row.get(self.split or "split")
        return str(split) if _there(split) else None


def draw_split(name: str, shares: Mapping[str, float], seed: int) -> str:
    """The split of an item: it depends on its name and the seed, so items that come later move no other.

    Example:
        >>> [draw_split(name, {"train": 0.5, "test": 0.5}, 0) for name in "abcd"]
        ['test', 'train', 'train', 'test']
    """
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    for split, share in shares.items():
        if place < share:
            return split
        place -= share
    return list(shares)[-1]


def _there(value: Any) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return False
    return bool(value.strip()) if isinstance(value, str) else not isinstance(value, list | dict) or bool(value)


def _first(row: Row, columns: Sequence[str]) -> Any:
    return next((row[column] for column in columns if _there(row.get(column))), None)


def _text(value: Any) -> str | None:
    text = value.data.decode("utf-8", errors="replace") if isinstance(value, Blob) else value
    return None if text is None else str(text).strip() or None


def _table(value: Any, name: str) -> dict[str, Any] | None:
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise DataError(f"item {name}: its table is no JSON text ({error}); map single columns with --table") from error
    if value is not None and not isinstance(value, Mapping):
        raise DataError(f"item {name}: expected a table of properties and values, got {type(value).__name__}")
    return {str(key): part for key, part in (value or {}).items() if _there(part)} or None


def _number(value: Any, column: str, name: str) -> int | float:
    if isinstance(value, int | float):
        return value
    try:
        number = float(value)
    except ValueError:
        raise DataError(f"item {name}: {column} must be a number, got {value!r}; leave it out of --number") from None
    return int(number) if number.is_integer() and "." not in str(value) else number
