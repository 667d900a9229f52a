"""Reads a table of properties that stands in the manifest itself."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from m5kit.data.decode._words import clean
from m5kit.data.decode.base import Decoder
from m5kit.data.files import unreadable
from m5kit.errors import DecodeError
from m5kit.ranges import Count
from m5kit.registry import DECODERS

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | list[Scalar]

LARGEST = sys.float_info.max
"""A whole number beyond cannot be computed with; JSON allows any number of digits."""


@DECODERS.register_module("table")
class TableDecoder(Decoder):
    """Checks and cleans property → value; a value is a text, a number, a boolean or a list of them.

    A property whose value is null, an empty text or an empty list is one that the item does not have.

    Args:
        max_pairs: tables with more properties are refused.
        max_chars: longer keys and texts are cut there.

    Example:
        >>> TableDecoder()({"colour": " red ", "sizes": [38, 39], "brand": None}, Path())
        {'colour': 'red', 'sizes': [38, 39]}
    """

    def __init__(self, *, max_pairs: Count = 256, max_chars: Count = 1_000) -> None:
        self.max_pairs = max_pairs
        self.max_chars = max_chars

    def __call__(self, source: Any, root: Path) -> dict[str, Value]:
        """Return the cleaned table, in the order given.

        Raises:
            DecodeError: no mapping, nothing in it, over ``max_pairs``, two names that differ in
                blanks or the form of accents only, or a value of another kind (its key is named).
        """
        if not isinstance(source, Mapping):
            raise DecodeError(f"cannot read the table: expected property → value, got {type(source).__name__}")
        if len(source) > self.max_pairs:
            raise DecodeError(f"cannot read the table: {len(source)} properties are over max_pairs={self.max_pairs}")
        pairs = {self._text(key): self._value(key, value) for key, value in source.items()}
        if len(pairs) < len(source):
            twice = self._first_alike(source)
            raise DecodeError(f"cannot read the table: the properties {twice} have one name; rename one")
        table = {key: value for key, value in pairs.items() if key and value is not None}
        if not table:
            raise DecodeError("cannot read the table: no property has a value; use null for an item without a table")
        return table

    def accept(self, value: Any) -> dict[str, Value]:
        """A table in which arrays stand, which is how a mapping comes here; it is read like any other.

        Raises:
            DecodeError: as for every table; an array is no value of a property.
        """
        return self(value, Path())

    @classmethod
    def example(cls, folder: Path) -> tuple["TableDecoder", dict[str, Value]]:
        """A few properties."""
        return cls(), {"colour": "red", "sizes": [38, 39], "washable": True}

    def _first_alike(self, names: Iterable[Any]) -> str:
        """Two names between which cleaning leaves no difference; one value would take the place of the other."""
        first: dict[str, Any] = {}
        for name in names:
            if first.setdefault(self._text(name), name) != name:
                break
        return f"{first[self._text(name)]!r} and {name!r}"

    def _value(self, key: Any, value: Any) -> Value | None:
        if isinstance(value, list | tuple):
            scalars = []
            for part in value:
                scalar = self._scalar(key, part)
                if scalar is not None:
                    scalars.append(scalar)
            return scalars or None
        return self._scalar(key, value)

    def _scalar(self, key: Any, value: Any) -> Scalar | None:
        if isinstance(value, np.generic):  # what a column of a data frame holds
            value = value.item()
        if value is None:
            return None
        if isinstance(value, str):
            return self._text(value) or None
        if isinstance(value, bool | int | float) and abs(value) <= LARGEST:  # NaN is not
            return value
        if _is_missing(value):
            raise unreadable({key: value}, f"property {key!r} is nan; leave out what the item does not have")
        what = _short(value) if isinstance(value, int | float) else type(value).__name__
        raise unreadable({key: value}, f"property {key!r} is {what}; expected a text, a number, a boolean or a list")

    def _text(self, text: Any) -> str:
        # Cut before it is cleaned too: the text may be a whole book, of which the first page is wanted.
        return clean(str(text)[: 4 * self.max_chars])[: self.max_chars].rstrip()


def _is_missing(value: Any) -> bool:
    """Whether it stands for no value: NaN, which equals nothing, or the NA of pandas, which answers no question."""
    try:
        return bool(value != value)
    except TypeError:
        return True
    except (ValueError, RuntimeError):  # an array or a tensor, which answers for each of its numbers
        return False


def _short(value: float) -> str:
    digits = str(value)
    return digits if len(digits) <= 40 else f"a number of {len(digits)} digits"
