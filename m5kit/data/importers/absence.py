"""Tells what a cell holds from what only fills it: blanks, signs that nobody reads, NaN, and words such as ``NULL``."""

import math
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport
from m5kit.data.importers.spellings import CUT, NOTHING, SHORTENED

NO_QUANTITY = "NaN and infinite numbers"
BLANK = "texts in which there is nothing to read"
NONE = "texts that usually say that there is none"
ZEROS = "texts that hold the character 0, as those of another encoding do"

WITHOUT_INK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters of Unicode that are drawn as a blank: fillers of Hangul, and the empty cell of Braille."""

UNREAD = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
"""Unicode's categories of control characters, signs without a width or a meaning, half characters, and blanks."""

LONGEST_NONE = max(map(len, NOTHING))
LONGEST_CUT = len("-1.23456E+12")


def is_there(value: Any, column: str, report: ImportReport) -> bool:
    """Whether a cell holds anything: None, NaN, texts without a sign to read, empty lists, tables and files do not.

    Args:
        value: of the cell.
        column: for the report.
        report: counts what looks as if it were something: blank texts and NaN.
    """
    if value is None:
        return False
    if isinstance(value, str):
        return _is_text(value, column, report)
    if isinstance(value, float | Decimal):
        if not math.isnan(value):
            return True
        report.leave_out(f"{column}: {NO_QUANTITY}", value)
        return False
    if isinstance(value, Blob):
        return bool(value.data)
    return bool(value) if isinstance(value, list | dict | bytes) else True


def notice_none(text: str, column: str, notice: Callable[[str, object], None]) -> None:
    """Tell a text such as ``NULL`` or ``1.23457E+12``, or one with zeros in it; it is taken, as it may be meant."""
    if "\0" in text:
        place = text.index("\0")
        notice(f"{column}: {ZEROS}", repr(text[max(0, place - 20) : place + 20]))
    if len(text) <= LONGEST_NONE and text.strip().casefold() in NOTHING:
        notice(f"{column}: {NONE}", repr(text))
    elif len(text) <= LONGEST_CUT and SHORTENED.fullmatch(text):
        notice(f"{column}: {CUT}", repr(text))


def notice_words(text: str, column: str, notice: Callable[[str, object], None]) -> None:
    """Tell a text that says that there is none, or one that has signs and none to read."""
    notice_none(text, column, notice)
    if text and not _is_readable(text):
        notice(f"{column}: {BLANK}", repr(text))


def _is_text(text: str, column: str, report: ImportReport) -> bool:
    if _is_readable(text):
        return True
    if text:
        report.leave_out(f"{column}: {BLANK}", repr(text))
    return False


def _is_readable(text: str) -> bool:
    return any(map(_is_read, text))


def _is_read(sign: str) -> bool:
    return sign not in WITHOUT_INK and unicodedata.category(sign) not in UNREAD
