r"""Reads JSON that came from elsewhere: whatever it holds, the result can be printed, hashed and written again."""

import json
import math
import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""How JSON escapes one half of a character; JavaScript and Java cut texts between the halves."""


def parse_json(
    text: str | bytes, names: Collection[str] = (), parse_float: Callable[[str], float] | None = None
) -> Any:
    r"""The value of a JSON text; halves of characters are dropped from its texts, as no file can hold them.

    Args:
        text: JSON.
        names: keys of an object whose texts tell things apart (ids, paths, labels): halves in them are written out.
        parse_float: the number that the digits of one with a point or an exponent say; Python's own by default.

    Raises:
        ValueError: no JSON, nested so deeply or with so long a number that Python cannot read it, or an object that
            has a key twice.

    Example:
        >>> parse_json('{"title": "cut \\ud83d", "whole": "\\ud83d\\ude00"}')
        {'title': 'cut ', 'whole': '😀'}
    """
    try:
        value = json.loads(text, object_pairs_hook=as_object, parse_float=parse_float)
        shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        if not SURROGATE.search(shown):
            return value
        if isinstance(value, dict):
            for name in names:
                if name in value:
                    value[name] = _mended(value[name], "backslashreplace")
        return _mended(value, "ignore")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as error:
        # Python's own words name a function that no user of a data set can call.
        if "set_int_max_str_digits" in str(error):
            raise ValueError(f"it holds a whole number of more than {sys.get_int_max_str_digits():,} digits") from None
        raise


def as_object(pairs: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    """An object of its keys and values; ``dict`` would keep the last of two values of a key without a word.

    Raises:
        ValueError: a key comes twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return found


def without_nan(value: Any) -> Any:
    """JSON data with None in place of NaN and infinite numbers, for which Python writes words that are no JSON.

    Example:
        >>> without_nan({"loss": float("nan"), "seen": [1, float("inf")]})
        {'loss': None, 'seen': [1, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(part) for part in value]
    return value


def whole_text(text: str) -> str:
    """The text without lone halves of characters (surrogates)."""
    return text.encode("utf-8", "ignore").decode()


def _mended(value: Any, how: str) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", how).decode()
    if isinstance(value, list):
        return [_mended(part, how) for part in value]
    if isinstance(value, dict):
        return {_mended(key, how): _mended(part, how) for key, part in value.items()}
    return value
