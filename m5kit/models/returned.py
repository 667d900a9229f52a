"""Refuses what a part gives where its contract asks for something else."""

from typing import Any, TypeVar

from m5kit.errors import PluginError

Kind = TypeVar("Kind")


def returned(value: Any, kind: type[Kind], part: object) -> Kind:
    """The value, which must be of a kind: a tensor in place of tokens would fail far from the part that gave it.

    Raises:
        PluginError: it is of another kind.
    """
    if isinstance(value, kind):
        return value
    raise PluginError(
        f"{type(part).__name__} returned {type(value).__name__}, expected {kind.__name__}; "
        "m5kit plugins check NAME tries a part by itself"
    )
