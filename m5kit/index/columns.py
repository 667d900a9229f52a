"""The columns that searches filter by: labels and properties of items, typed by the values that occur."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from m5kit.errors import DataError

Kind = Literal["string", "number", "boolean"]

ARROW: Mapping[Kind, pa.DataType] = {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}

WHOLE = 2**53
"""Whole numbers beyond are not exact as a float64; a column that holds one is text, so that no digit is lost."""

MOST_COLUMNS = 200
"""Properties that become columns, the most frequent ones; a table of thousands of columns is slow to open."""

RESERVED = ("id", "split", "vector", "bits", "sources")
"""Columns that every index has."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column to filter by.

    Attributes:
        name: as the items call it.
        stored: as the store calls it: letters, digits and underscores.
        kind: of its values.
        facts: what filters can be offered: the frequent ``values`` of a text, or ``low`` and ``high`` of a number.
    """

    name: str
    stored: str
    kind: Kind
    facts: Mapping[str, Any] = field(default_factory=dict)


SPLIT = Column("split", "split", "string")
ID = Column("id", "id", "string")


class ColumnCollector:
    """Learns the columns from the values of all items, one item after another."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._kinds: dict[str, set[Kind]] = {}

    def see(self, values: Mapping[str, Any]) -> None:
        """Take the values of one item into account."""
        for name, given in values.items():
            value = plain(name, given)
            if value is None:
                continue
            self._counts[name] += 1
            self._kinds.setdefault(name, set()).add(kind_of(value))

    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order in which they were first seen."""
        kept = {name for name, _ in self._counts.most_common(MOST_COLUMNS)}
        found: list[Column] = []
        for name, kinds in self._kinds.items():
            if name in kept:
                # values of several kinds have only their text in common
                kind = next(iter(kinds)) if len(kinds) == 1 else "string"
                found.append(Column(name, stored_name(name, found), kind))
        return tuple(found)

    def left_out(self) -> Sequence[str]:
        """Names of properties that are too rare to become columns."""
        return [name for name, _ in self._counts.most_common()[MOST_COLUMNS:]]


def plain(name: str, value: Any) -> Any:
    """A value of Python; None where there is none, as NaN says in many tables.

    Example:
        >>> plain("price", np.int64(3)), plain("price", float("nan"))
        (3, None)

    Raises:
        DataError: it is nothing that a column can hold.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and isnan(value):
        return None
    if value is None or isinstance(value, str | bool | int | float | list | tuple):
        return value
    raise DataError(f"{name}: expected a text, a number, a boolean or a list of them, got {value!r}")


def kind_of(value: Any) -> Kind:
    """What kind of column a value needs."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float) and abs(value) <= WHOLE:
        return "number"
    return "string"


def stored_name(name: str, others: Sequence[Column]) -> str:
    """A name for the store that no other column has.

    Example:
        >>> stored_name("room name", [])
        'room_name'
    """
    taken = {*RESERVED, *(column.stored.lower() for column in others)}
    plain = re.sub(r"\W", "_", name, flags=re.ASCII) or "_"
    # the store keeps such names for itself: _rowid, _distance, _score
    if re.match(r"_+\w*[a-z]", plain):
        plain = f"p{plain}"
    stored, number = plain, 2
    # the store's filters do not tell capitals from small letters everywhere
    while stored.lower() in taken:
        stored, number = f"{plain}_{number}", number + 1
    return stored


def to_arrow(column: Column, values: Sequence[Any], ids: Sequence[str]) -> pa.Array:
    """The values of a column, null where an item has none.

    Raises:
        DataError: a value is of no kind, or of another kind than the column's.
    """
    values = [plain(column.name, value) for value in values]
    if column.kind == "string":
        return pa.array([None if value is None else as_text(value) for value in values], pa.string())
    for item, value in zip(ids, values, strict=True):
        if value is not None and kind_of(value) != column.kind:
            raise DataError(
                f"item {item!r}: {column.name} = {value!r} is no {column.kind}, and the index holds {column.kind}s "
                "there; correct the item, or build the index again"
            )
    return pa.array(values, ARROW[column.kind])


def as_text(value: Any) -> str:
    """A value as text; the parts of a list are joined by commas.

    Example:
        >>> as_text(["bag", "manual"]), as_text(True), as_text(2.0)
        ('bag, manual', 'true', '2')
    """
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) <= WHOLE:
        return str(int(value))
    # half of a surrogate pair has no UTF-8
    return str(value).encode("utf-8", "replace").decode("utf-8")
