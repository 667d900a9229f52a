"""Notices properties of tables that are numbers in some items and texts in others."""

from collections.abc import Callable, Mapping
from typing import Any

from m5kit.data.importers.report import shown
from m5kit.data.importers.spellings import MOST

MIXED = "properties that are numbers in some items and texts or yes and no in others"
KINDS: Mapping[type, str] = {bool: "bool", int: "number", float: "number", str: "text"}


class Kinds:
    """Compares every property of a table with what it was in the tables before.

    Args:
        notice: is told what is odd, and of which property.
    """

    def __init__(self, notice: Callable[[str, object], None]) -> None:
        self._notice = notice
        self._first: dict[str, tuple[str, Any]] = {}
        self._noticed: set[str] = set()

    def look_at(self, table: Mapping[str, Any]) -> None:
        """Compare one table; a property is noticed once, however many items have it."""
        for name, value in table.items():
            part = value[0] if isinstance(value, list) and value else value
            kind = KINDS.get(type(part))
            if kind is None or (name not in self._first and len(self._first) >= MOST):
                continue
            first, example = self._first.setdefault(name, (kind, part))
            if first != kind and name not in self._noticed:
                self._noticed.add(name)
                self._notice(MIXED, f"{name}: {shown(repr(example))} and {shown(repr(part))}")
