"""Says of a part that returns something of a wrong type what was expected, where a check falls over it."""

import functools
import inspect
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Union, get_args, get_origin, get_type_hints

NUMBERS: Mapping[Any, str] = {float: "__float__", int: "__index__"}
"""What makes a value a number: those of NumPy and torch count too."""


@contextmanager
def returns_told(part: type, contract: type) -> Iterator[None]:
    """Tell an error within the block by what a method of ``part`` returned, if ``contract`` names another type.

    Methods that return nothing, and those of Python's own protocols beside ``__call__``, are left alone.

    Raises:
        AssertionError: instead of the crash that followed.
    """
    before, noticed = vars(part).copy(), list[str]()
    for name, method in _methods(contract):
        own = inspect.getattr_static(part, name, None)
        expected = get_type_hints(method).get("return", Any)
        if isinstance(own, types.FunctionType) and own is not method and expected is not type(None):
            setattr(part, name, _watched(own, name, expected, noticed))
    try:
        yield
    except (AttributeError, TypeError, ValueError, LookupError, RuntimeError) as error:  # no check raises these itself
        if not noticed:
            raise
        raise AssertionError(noticed[0]) from error
    finally:
        for name in vars(part).keys() - before.keys():
            delattr(part, name)
        for name, value in before.items():
            if vars(part).get(name) is not value:
                setattr(part, name, value)


def _methods(contract: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, method in vars(contract).items():
        if isinstance(method, types.FunctionType) and (not name.startswith("_") or name in ("__call__", "__getitem__")):
            yield name, method


def _watched(method: Callable[..., Any], name: str, expected: Any, noticed: list[str]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **keywords: Any) -> Any:
        value = method(*arguments, **keywords)
        if not fits(value, expected):
            noticed.append(f"{name}() returns {_shown(value)}; expected {_named(expected)}")
        return value

    return call


def fits(value: Any, expected: Any) -> bool:
    """Whether a value has an annotated type, its members included; True for what cannot be told.

    Example:
        >>> fits(None, int | None), fits("ab", Sequence[str]), fits([1.5], Sequence[float])
        (True, False, True)
        >>> fits([None], Sequence[float])
        False
    """
    origin, members = get_origin(expected), get_args(expected)
    if expected is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in members)
    if expected in NUMBERS:
        return hasattr(value, NUMBERS[expected])
    if origin is None:
        return not isinstance(expected, type) or isinstance(value, expected)
    if origin is tuple and Ellipsis not in members:
        return isinstance(value, Sequence) and len(value) == len(members) and all(map(fits, value, members))
    if not isinstance(value, Sequence if origin is tuple else origin) or isinstance(value, str):
        return False
    if isinstance(value, Mapping):
        return all(fits(each, members[1]) for each in value.values())
    return not isinstance(value, Sequence) or all(fits(each, members[0]) for each in value)


def _shown(value: Any) -> str:
    if value is None:
        return "None"
    members = sorted({type(each).__name__ for each in value}) if isinstance(value, list | tuple) else []
    return f"a {type(value).__name__}" + (f" of {', '.join(members)}" if members else "")


def _named(expected: Any) -> str:
    """An annotation as people write it, without the modules of its classes."""
    if isinstance(expected, type) and not get_args(expected):
        return expected.__name__
    return re.sub(r"(?:\w+\.)+(?=\w)", "", str(expected))
