"""Keeps libraries that a training does not need from being imported by those that it needs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def not_installed(library: str) -> Iterator[None]:
    """Let ``import library`` fail for a while, unless somebody has imported it before."""
    if library in sys.modules:
        yield
        return
    sys.modules[library] = None  # type: ignore[assignment]  # how Python marks what must not be imported
    try:
        yield
    finally:
        del sys.modules[library]


@contextmanager
def stand_in(module: str, kind: str) -> Iterator[None]:
    """Let ``from module import kind`` give an empty class for a while, unless somebody has imported it before."""
    if module in sys.modules:
        yield
        return
    made: Any = ModuleType(module)
    setattr(made, kind, type(kind, (), {}))
    sys.modules[module] = made
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def imported_later(module: str, *functions: str) -> Iterator[None]:
    """Let ``import module`` put the import off until the module is used, unless somebody has imported it before.

    Args:
        module: its full name.
        functions: what ``from module import name`` asks for. Each imports the module when it is called.
    """
    if module in sys.modules:
        yield
        return
    later = _Later(module)
    for name in functions:
        setattr(later, name, _call_later(module, name))
    sys.modules[module] = later
    try:
        yield
    finally:
        del sys.modules[module]


class _Later(ModuleType):
    """A module that asks the true one for what it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:  # somebody goes through all modules while this one stands in
            raise AttributeError(name)
        return getattr(import_module(self.__name__), name)


def _call_later(module: str, name: str) -> Callable[..., Any]:
    return lambda *args, **options: getattr(import_module(module), name)(*args, **options)
