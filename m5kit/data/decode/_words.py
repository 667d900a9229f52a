"""Makes text from anywhere safe and uniform: one Unicode form, single spaces, nothing unprintable."""

import unicodedata

_UNPRINTABLE = ("Cc", "Cs", "Co", "Cn")  # control, lone surrogate, private, unassigned; joiners (Cf) are kept


def clean(text: str) -> str:
    r"""Compose to NFC, make every run of white space one space, drop unprintable characters.

    Example:
        >>> clean("  red\u0000 cafe\u0301\n\t杯子 ")
        'red café 杯子'
    """
    kept = (letter for letter in text if letter.isspace() or unicodedata.category(letter) not in _UNPRINTABLE)
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())
