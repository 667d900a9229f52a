"""Imports an optional library when a part needs it."""

from importlib import import_module
from typing import Any

from m5kit.errors import MissingDependencyError


def import_library(module: str, needed_by: str, package: str | None = None) -> Any:
    """The module, or one error that says how to install it.

    Args:
        module: what to import.
        needed_by: the part, as a config names it.
        package: the name to install, if it differs from the module's.

    Raises:
        MissingDependencyError: it is not installed, or its import raises any exception: broken binaries raise OSError
            and RuntimeError too.
    """
    package = package or module
    try:
        return import_module(module)
    except Exception as error:
        missing = MissingDependencyError(package, needed_by, package)
        # a library that is there but misses one of its own dependencies is not absent
        absent = isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]
        state = "is not installed" if absent else f"cannot be imported ({type(error).__name__}: {error})"
        remedy = f"pip install {'' if absent else '--force-reinstall '}'{package}'"
        missing.args = (f"{needed_by} needs the library {module!r}, which {state}; run: {remedy}",)
        raise missing from error
