"""The conformance kit: checks that every part of a family passes, built-in or plugin.

In a plugin's tests, three lines::

    from m5kit.testing import check_encoder
    from m5kit_foo import Foo
    def test_conformance(): check_encoder(Foo)
"""

from collections.abc import Callable

from m5kit.registry import FAMILIES
from m5kit.testing.families import check, check_names, checker
from m5kit.testing.report import ConformanceError, Report

_FAMILY_BY_NAME = {f"check_{registry.singular}": family for family, registry in FAMILIES.items()}

__all__ = ["ConformanceError", "Report", "check", "check_names", *_FAMILY_BY_NAME]


def __getattr__(name: str) -> Callable[..., Report]:
    """``check_<singular>`` of every family; its module is imported when it is asked for."""
    if name not in _FAMILY_BY_NAME:
        raise AttributeError(f"m5kit.testing has no {name!r}; it has {', '.join(__all__)}")
    return checker(_FAMILY_BY_NAME[name])
