"""Every family's checks under one name, for callers that do not know which family a part is of."""

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

from m5kit.errors import ContractError
from m5kit.registry import FAMILIES
from m5kit.testing.report import Checks, Report


def check(family: str, part: type | str, only: Collection[str] | None = None) -> Report:
    """Check a part of any family.

    Args:
        family: plural name, as a registry's.
        part: the class, or the name of a registered one.
        only: names of the checks to run; all of them if None.

    Raises:
        ConformanceError: a check failed, or none ran.
        ContractError: there are no checks for such a family.
    """
    return checker(family)(part, only)


def check_names(family: str) -> list[str]:
    """The names of a family's checks, in order."""
    checks: Checks[Any] = _kit(family).CHECKS
    return checks.names


def checker(family: str) -> Callable[..., Report]:
    """The function ``check_<singular>`` of a family.

    Raises:
        ContractError: there are no checks for such a family.
    """
    found: Callable[..., Report] = getattr(_kit(family), f"check_{FAMILIES[family].singular}")
    return found


def _kit(family: str) -> Any:
    """The module of a family's checks is named like one part of it, so that a new family is listed nowhere."""
    if family not in FAMILIES:
        raise ContractError(f"there are no checks for {family!r}; there are for {', '.join(FAMILIES)}")
    return import_module(f"m5kit.testing.{FAMILIES[family].singular}")
