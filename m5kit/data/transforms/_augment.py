"""Augmentation by name: what ``none``, ``light`` and ``strong`` stand for is the business of each kind of medium."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from m5kit.errors import ConfigError

Strength = Literal["none", "light", "strong"]
Amount = TypeVar("Amount")


def amounts(presets: Mapping[str, Mapping[str, Any]], strength: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The amounts of a named strength, those that a config gives by themselves in their place.

    Raises:
        ConfigError: there is no such strength.

    Example:
        >>> amounts({"none": {"flip": 0.0, "blur": 0.0}}, "none", {"flip": 0.5, "blur": None})
        {'flip': 0.5, 'blur': 0.0}
    """
    if strength not in presets:
        raise ConfigError([f"augment: expected {', '.join(presets)}, got {strength!r}"])
    return {**presets[strength], **{name: amount for name, amount in given.items() if amount is not None}}


def check_chances(**chances: float) -> None:
    """Refuse what is no chance.

    Raises:
        ConfigError: one of them is not between 0 and 1.
    """
    problems = [f"{name}: expected a chance between 0 and 1, got {p}" for name, p in chances.items() if not 0 <= p <= 1]
    if problems:
        raise ConfigError(problems)
