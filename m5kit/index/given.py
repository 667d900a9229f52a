"""What callers in Python hand to an index, checked before anything is written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from m5kit.errors import DataError, UsageError


def as_ids(given: object) -> list[Any]:
    """Ids as a list; a text alone would be one of letters.

    Raises:
        UsageError: they are none.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise UsageError([f"ids: expected a list of ids, got {given!r}"])
    return list(given)


def as_columns(ids: Sequence[object], given: Any) -> Mapping[str, Sequence[Any]]:
    """The properties of items as lists by name, which a position finds its way in; a data frame is taken, too.

    Raises:
        UsageError: the properties are no lists by name.
        DataError: an id is repeated, or a column has another length.
    """
    if given is None:
        given = {}
    if not (isinstance(given, Mapping) or hasattr(given, "to_dict")) or not all(
        isinstance(name, str) for name in given
    ):
        raise UsageError([f"properties: expected lists of values by name, got {given!r}"])
    properties = {name: _by_position(column) for name, column in given.items()}
    _require_columns(ids, properties)
    return properties


def _by_position(column: Any) -> Any:
    """A column of pandas is asked by its labels, which are no positions once rows were sorted, drawn or left out."""
    if not hasattr(column, "notna"):
        return column
    return column.astype(object).where(column.notna(), None).to_numpy()


def _require_columns(ids: Sequence[object], properties: Mapping[str, Sequence[Any]]) -> None:
    for name, column in properties.items():
        if isinstance(column, str | bytes) or not hasattr(column, "__len__"):
            raise UsageError([f"properties: expected a list of values for {name!r}, got {column!r}"])
    if len(set(ids)) != len(ids):
        raise DataError(f"{len(ids) - len(set(ids))} of {len(ids)} ids are repeated; give every item its own")
    if short := [name for name, column in properties.items() if len(column) != len(ids)]:
        raise DataError(f"the property {short[0]!r} has {len(properties[short[0]])} values for {len(ids)} ids")
