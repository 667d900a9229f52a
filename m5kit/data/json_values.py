r"""Reads JSON that came from elsewhere: whatever it holds, the result can be printed, hashed and written again."""

import json
import re
from typing import Any

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON escapes one half of a character; JavaScript and Java cut texts between the halves."""


def parse_json(text: str | bytes) -> Any:
    r"""The value of a JSON text; halves of characters are dropped from its texts, as no file can hold them.

    Raises:
        ValueError: no JSON, or nested so deeply that Python cannot read it.

    Example:
        >>> parse_json('{"title": "cut \\ud83d", "whole": "\\ud83d\\ude00"}')
        {'title': 'cut ', 'whole': '😀'}
    """
    try:
        value = json.loads(text)
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return _whole(value) if SURROGATE.search(shown) else value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def whole_text(text: str) -> str:
    """The text without lone halves of characters (surrogates)."""
    return text.encode("utf-8", "ignore").decode()


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {whole_text(key): _whole(part) for key, part in value.items()}
    return value
