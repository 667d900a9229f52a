"""What a cell of a foreign row becomes in a manifest: a name, a text, or a property of a table.

A value is taken exactly, or in another form that the report counts, or refused with its column: nothing is guessed.
"""

import datetime
import math
import re
import sys
import unicodedata
import uuid
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from m5kit.data.importers.absence import NO_QUANTITY, is_there, notice_none
from m5kit.data.importers.decimal_comma import remedy
from m5kit.data.importers.reading import Blob
from m5kit.data.importers.report import ImportReport
from m5kit.data.json_values import whole_text
from m5kit.data.marked_text import decode_text
from m5kit.errors import DataError

WHOLE = re.compile(r"[+-]?[0-9]+")
FLOAT = re.compile(r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:nan|inf|infinity))")
"""What a number with a point or an exponent looks like; Python also takes 1_000, which is a code in data."""

ROUNDED = "numbers were rounded to 64 bits"
LARGEST = int(sys.float_info.max)
"""No larger number is a quantity: nothing can be computed with it."""

DIGITS_OF_LARGEST = sys.float_info.max_10_exp

DIGITS = 400
"""Digits of the longest whole number; no quantity is longer, and Python refuses to write one of 4,301."""


def as_name(value: Any, column: str, report: ImportReport) -> str:
    """An id, a split or a label.

    Spaces around it are no part of a name. A whole number has one spelling, also where the column holds floats because
    one of its cells is empty.

    Raises:
        DataError: it is a list, a table or binary data.
    """
    if isinstance(value, bool) or not isinstance(value, float):
        plain = _scalar(value, column)
    else:
        # beyond 2**53 a float is no count, and its digits are made up
        plain = int(value) if value.is_integer() and abs(value) <= 2**53 else value
    text = str(plain)
    name = whole_text(text).replace("\0", "").strip()
    if name != text:
        report.change(f"{column}: spaces around a name, or half characters and zeros in it, were dropped", repr(text))
    elif isinstance(value, float) and isinstance(plain, int):
        report.change(f"{column}: whole numbers are written without .0", value)
    elif isinstance(value, Decimal) and str(value) != text:
        report.change(f"{column}: decimals are written without zeros at their end", value)
    return name


def as_text(value: Any, column: str, report: ImportReport) -> str | None:
    """A text; several are joined by a space.

    Raises:
        DataError: it is a table, or a list of something else than texts.
    """
    if isinstance(value, Blob | bytes):
        data = value.data if isinstance(value, Blob) else value
        text, whole = decode_text(data)
        if not whole:
            report.change(f"{column}: bytes that are not UTF-8 became \ufffd", text)
        notice_none(text.strip(), column, report.notice)
    elif isinstance(value, list):
        parts = list(filter(None, [as_text(each, column, report) for each in value if is_there(each, column, report)]))
        if len(parts) > 1:
            report.change(f"{column}: lists of texts were joined by spaces", parts)
        text = " ".join(parts)
    else:
        text = str(_scalar(value, column))
        if not isinstance(value, str):
            report.change(f"{column}: {type(value).__name__} values were written as texts", text)
        notice_none(text.strip(), column, report.notice)
    return whole_text(text).strip() or None


def as_property(value: Any, column: str, report: ImportReport) -> Any:
    """A property of a table: a text, a number, true or false, or a list of them; None for what is left out.

    Raises:
        DataError: it is a table itself, a list of lists, or binary data.
    """
    if isinstance(value, list):
        parts = []
        for each in value:
            part = _single(each, column, report) if is_there(each, column, report) else None
            if part is not None:
                parts.append(part)
        if parts and len(parts) < len(value):
            report.change(f"{column}: lists with gaps were closed up", value)
        return parts or None
    return _single(value, column, report)


def _single(value: Any, column: str, report: ImportReport) -> str | int | float | bool | None:
    """A property that is no list; None for a number that is no quantity."""
    plain = _scalar(value, column)
    if isinstance(plain, str):
        notice_none(plain.strip(), column, report.notice)
    elif not abs(plain) <= LARGEST:
        what = NO_QUANTITY if isinstance(plain, float) else f"numbers of more than {DIGITS_OF_LARGEST} digits"
        report.leave_out(f"{column}: {what}", value)
        return None
    return plain


def as_number(value: Any, column: str, name: str, report: ImportReport) -> int | float | None:
    """The number that a text says, exactly where it is whole; None for NaN and infinity, which are no quantities.

    Raises:
        DataError: it says something else.
    """
    plain = _scalar(value, column)
    if isinstance(plain, int | float):
        if isinstance(plain, int) or math.isfinite(plain):
            return plain
        report.leave_out(f"{column}: {NO_QUANTITY}", value)
        return None
    text = _with_plain_digits(plain.strip(), column, report)
    if WHOLE.fullmatch(text) and len(text) <= DIGITS:
        if text.lstrip("+-").startswith("0") and text.lstrip("+-") != "0":
            report.change(f"{column}: zeros in front of a number were dropped", text)
        return int(text)
    if not FLOAT.fullmatch(text):
        raise DataError(f"item {name}: {column} must be a number, got {value!r}; {remedy(text)}")
    number = float(text)
    if not math.isfinite(number):
        report.leave_out(f"{column}: {NO_QUANTITY}", value)
        return None
    if not is_exactly(text, number):
        report.change(f"{column}: {ROUNDED}", f"{text} to {number!r}")
    return number


def _with_plain_digits(text: str, column: str, report: ImportReport) -> str:
    """A text whose digits, of any script or width, are 0 to 9."""
    if text.isascii():
        return text
    plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    if plain != text:
        report.change(f"{column}: digits of another script or width were read as 0 to 9", text)
    return plain


def is_exactly(text: str, number: float) -> bool:
    """Whether a number is the one that a text says, of which none of the digits is lost."""
    try:
        return Decimal(text) == Decimal(repr(number))
    except InvalidOperation:  # an exponent of twenty digits, which only a float takes, for zero
        return False


def _scalar(value: Any, column: str) -> str | int | float | bool:
    """One value in the types of JSON, none of them rounded."""
    if isinstance(value, Blob | bytes):
        return _decoded(value.data if isinstance(value, Blob) else value, column)
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, datetime.timedelta):
        return _seconds(value)
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    kind = "a table" if isinstance(value, Mapping) else f"a value of type {type(value).__name__}"
    raise DataError(f"column {column} holds {kind}, {_short(value)}; expected a text or a number; map another column")


def _plain_decimal(value: Decimal) -> str | int | float:
    """A number if it is exactly that number, else its digits."""
    if value == value.to_integral_value():
        return int(value)
    return _exact(value, float(value))


def _seconds(value: datetime.timedelta) -> str | int | float:
    """A duration; that of pandas, which pyarrow gives where it is installed, has nanoseconds too."""
    seconds = Decimal(value // datetime.timedelta(microseconds=1)).scaleb(-6)
    if nanoseconds := getattr(value, "nanoseconds", 0):
        seconds += Decimal(nanoseconds).scaleb(-9)
    return _exact(seconds, float(seconds))


def _exact(value: Decimal, number: float) -> str | float:
    return number if Decimal(repr(number)) == value else str(value)


def _decoded(data: bytes, column: str) -> str:
    """Spark, Impala and older pandas store texts as bytes without a word that they are texts."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(
            f"column {column} holds binary data that is not UTF-8, {_short(data)}; map it to a modality of files"
        ) from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
