"""Makes text from anywhere safe and uniform: one Unicode form, single spaces, one way to write a value."""

import unicodedata
from typing import Any

_UNPRINTABLE = ("Cc", "Cs", "Co", "Cn")  # control, lone surrogate, private, unassigned; joiners (Cf) are kept


def clean(text: str) -> str:
    r"""Compose to NFC, make every run of white space one space, drop unprintable characters.

    Example:
        >>> clean("  red\u0000 cafe\u0301\n\t杯子 ")
        'red café 杯子'
    """
    kept = (letter for letter in text if letter.isspace() or unicodedata.category(letter) not in _UNPRINTABLE)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def written(value: Any) -> str:
    """A value as words: numbers in one form however they were typed, lists joined.

    Example:
        >>> written(1.50), written(True), written([38, "XL"])
        ('1.5', 'yes', '38 , XL')
    """
    if isinstance(value, list):
        return " , ".join(written(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
