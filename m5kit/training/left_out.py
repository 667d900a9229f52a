"""Keeps libraries that a training does not need from being imported by those that it needs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
