"""What a whole table in one cell, or in a file of JSON, becomes in a manifest."""

import json
from collections.abc import Mapping
from typing import Any

from m5kit.data.decode._words import clean
from m5kit.data.importers.absence import is_there
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.values import ROUNDED, as_property, is_exactly
from m5kit.data.json_values import SURROGATE, parse_json
from m5kit.errors import DataError

NO_JSON = "texts that are no JSON"


def read_json(text: str | bytes, what: str, place: object, report: ImportReport) -> Any:
    """The value of a JSON text of an import.

    Args:
        text: JSON.
        what: for the report: a column or a modality.
        place: for the report: the item or the file.
        report: counts halves of characters that were dropped, and numbers that were rounded.

    Raises:
        ValueError: no JSON.
    """

    def as_float(digits: str) -> float:
        number = float(digits)
        if not is_exactly(digits, number):
            report.change(f"{what}: {ROUNDED}", f"{digits} of {place}")
        return number

    value = parse_json(text, parse_float=as_float)
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if SURROGATE.search(shown) and json.loads(text) != value:
        report.change(f"{what}: half characters were dropped", place)
    return value


def as_table(value: Any, column: str, name: str, report: ImportReport) -> dict[str, Any] | None:
    """A whole table in one cell; None for what is none.

    One that cannot be read, and properties that no table of an item can hold, are left out and counted.
    """
    table = {}
    for key, part in _properties(value, column, name, report).items():
        plain = str(key)
        if not is_there(part, f"{column}.{plain}", report):
            continue
        reason = "properties without a name" if not clean(plain) else _unfit(part)
        if reason is not None:
            report.leave_out(f"{column}: {reason}", f"{plain!r} of item {name}")
            continue
        read = as_property(part, f"{column}.{plain}", report)
        if read is not None:
            table[plain] = read
    if len(set(map(clean, table))) < len(table):
        report.notice(f"{column}: tables with two properties whose names look the same, which are refused", name)
    return table or None


def _properties(value: Any, column: str, name: str, report: ImportReport) -> Mapping[Any, Any]:
    """The table of a cell; an empty one for a cell that holds none, which costs the item its table."""
    if isinstance(value, Mapping):
        return value
    try:
        found = read_json(str(as_property(value, column, report)), column, f"item {name}", report)
    except (ValueError, DataError) as error:
        report.leave_out(f"{column}: {NO_JSON}; --table maps columns of single properties", f"item {name}: {error}")
        return {}
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        report.leave_out(f"{column}: JSON that holds no properties and values", f"item {name}: got {kind}")
        return {}
    return found


def _unfit(part: Any) -> str | None:
    """Why a value can be no property; None if it can."""
    if isinstance(part, Mapping):
        return "properties that are tables themselves"
    if isinstance(part, list) and any(isinstance(each, Mapping | list) for each in part):
        return "properties that are lists of lists or of tables"
    return None
