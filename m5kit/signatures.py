"""Reads constructors: their arguments, problems with given ones, and the nearest name to a misspelt one."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from m5kit.arguments import flat_parameters


def constructor_parameters(part: type) -> dict[str, Parameter]:
    """Everything that the constructor takes, ``*args`` and ``**kwargs`` included.

    A class without a constructor of its own takes nothing. A constructor inherited from torch counts as none, because
    the signature of ``nn.Module`` accepts any argument, which it then refuses.
    """
    owner = next(cls for cls in part.__mro__ if "__init__" in cls.__dict__)
    if owner is object or owner.__module__.startswith("torch."):
        return {}
    return dict(inspect.signature(part).parameters)


def is_required(parameter: Parameter) -> bool:
    """Whether the argument has no default."""
    return parameter.default is Parameter.empty


def argument_problems(part: type, arguments: Mapping[str, Any]) -> list[str]:
    """One sentence for each reason why ``part(**arguments)`` cannot be called; empty if it can.

    Example:
        >>> class Part:
        ...     def __init__(self, *, size: int, depth: int = 2) -> None: ...
        >>> argument_problems(Part, {"sise": 3})
        ["unknown key 'sise', did you mean 'size'?", "'size' is missing"]
    """
    parameters = flat_parameters(part)
    problems = []
    for key in arguments:
        if key not in parameters:
            near = suggestion(key, parameters)
            problems.append(f"unknown key {key!r}, {near}" if near else f"unknown key {key!r}; {hint(key, parameters)}")
    for name, parameter in parameters.items():
        if is_required(parameter) and name not in arguments:
            problems.append(f"{name!r} is missing")
    return problems


def unset_attributes(built: object, contract: type) -> list[str]:
    """The attributes that ``contract`` declares without a value, as in ``dim: int``, and that ``built`` lacks."""
    return [f"self.{name}" for name in contract.__annotations__ if not hasattr(built, name)]


LONGEST_NAME = 200
"""Characters of a word that may be near a name: to compare millions with a few takes seconds."""


def suggestion(word: str, known: Iterable[str], count: int = 1) -> str:
    """A question that offers the nearest known names; empty if none is near.

    Example:
        >>> suggestion("conact", ["concat", "gated"]), suggestion("x", ["concat"])
        ("did you mean 'concat'?", '')
    """
    near = get_close_matches(word, list(known), n=count) if len(word) <= LONGEST_NAME else []
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def listed(names: Sequence[str], most: int = 20) -> str:
    """Names in a message, of which a stranger's file may have thousands.

    Example:
        >>> listed(["a", "b", "c"], most=2)
        'a, b and 1 more'
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def hint(key: str, known: Iterable[str]) -> str:
    """What follows ``unknown key``: the nearest known one, or all of them."""
    names = list(known)
    return suggestion(key, names) or f"it takes {', '.join(names) or 'nothing'}"
