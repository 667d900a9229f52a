"""Numbers with the range that an argument allows; a config is checked against them before a part is built.

A constructor says ``layers: Natural`` in place of ``layers: int``. For type checkers both are the same.
"""

import inspect
import re
from numbers import Integral
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le, Lt

Count = Annotated[int, Ge(1)]
"""At least one: attention heads, pixels, tokens."""
Natural = Annotated[int, Ge(0)]
"""None is possible: layers, items in a queue."""
TokenId = Annotated[int, Ge(-1)]
"""An id of a vocabulary; -1 where there is no such token."""
Share = Annotated[float, Ge(0), Le(1)]
"""A probability, or a part of a whole."""
Dropout = Annotated[float, Ge(0), Lt(1)]
"""A rate at which something always remains."""
Amount = Annotated[float, Ge(0)]
"""How much of something, which may be none."""
Positive = Annotated[float, Gt(0)]
"""A temperature, a duration, a factor."""


_SIGNS = {"Ge": ">=", "Gt": ">", "Le": "<=", "Lt": "<"}


def written(annotation: Any) -> str:
    """An annotation as people read it.

    Example:
        >>> written(Count | None), written(tuple[Share, ...]), written(int)
        ('int >= 1 | None', 'tuple[float >= 0 <= 1, ...]', 'int')
    """
    text = re.sub(r"(?:typing\.)?Annotated\[(\w+), ([^\]]+)\]", _number, inspect.formatannotation(annotation))
    return re.sub(r"(?:typing\.)?Optional\[([^\[\]]+)\]", r"\1 | None", text)


def _number(annotated: re.Match[str]) -> str:
    """One number with its bounds."""
    bounds = re.findall(r"([A-Z]\w)\(\w+=([^)]+)\)", annotated[2])
    return " ".join([annotated[1], *(f"{_SIGNS[kind]} {bound}" for kind, bound in bounds)])


def is_count(value: object) -> bool:
    """Whether a caller gave a whole number of at least one; ``True`` is none.

    Example:
        >>> is_count(3), is_count(0), is_count(True), is_count("3"), is_count(1.5)
        (True, False, False, False, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
