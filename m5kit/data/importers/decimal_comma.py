"""Numbers that are not written as programs write them: 1.234,5 and 1,234.5."""

import re
from typing import Any

from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError

DECIMAL_COMMA = re.compile(r"([+-]?(?:\d{1,3}(?:[.\s'\u2019]\d{3})+|\d+))(?:,(\d+))?")
"""Groups of three between points, blanks or apostrophes, or no groups; then the fraction."""

BETWEEN = re.compile(r"[.\s'\u2019]")
COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
"""Groups of three between commas. 1,234 is of this form and of the other one."""


def with_point(value: Any, column: str, name: str, report: ImportReport) -> Any:
    """A number with a decimal comma, and points or spaces between thousands, as one with a decimal point.

    Args:
        value: of the cell; what is no text stays as it is.
        column: for messages.
        name: of the item, for messages.
        report: counts numbers that lost signs between thousands: who means 1.5 by ``1.500`` must see it.

    Raises:
        DataError: it is written in another way.

    Example:
        >>> from pathlib import Path
        >>> report = ImportReport(Path("annotations.jsonl"))
        >>> [with_point(value, "price", "a", report) for value in ("1.234,5", "12", 0.5)]
        ['1234.5', '12', 0.5]
    """
    if not isinstance(value, str):
        return value
    found = DECIMAL_COMMA.fullmatch(value.strip())
    if found is None:
        raise DataError(f"item {name}: {column} is no number with a decimal comma, as 1.234,5 is: {value!r}")
    grouped, fraction = found.groups()
    whole = BETWEEN.sub("", grouped)
    number = whole + (f".{fraction}" if fraction else "")
    if whole != grouped:
        report.change(f"{column}: signs between thousands were dropped", f"{value.strip()} to {number}")
    return number


def remedy(text: str) -> str:
    """What to do about a text that is no number with a decimal point."""
    commas, decimal = COMMA_GROUPS.fullmatch(text), DECIMAL_COMMA.fullmatch(text)
    if commas and decimal:
        return "if its comma stands between thousands, remove it; if it is a decimal comma, say --decimal-comma"
    if commas:
        return "remove the commas between its thousands"
    return "say --decimal-comma" if decimal else "leave it out of --number"
