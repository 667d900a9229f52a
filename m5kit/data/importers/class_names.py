"""Class numbers of a saved ``datasets`` dataset as names, wherever they stand in a column."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from m5kit.data.importers.report import ImportReport
from m5kit.errors import DataError

ToNames: TypeAlias = Callable[[Any], Any]


def class_names(feature: Any, column: str, report: ImportReport) -> ToNames | None:
    """How numbers of classes become names, in a column of them, or of lists or tables of them; None for others.

    Args:
        feature: as the library writes it: ``{"_type": "ClassLabel", "names": [...]}``, ``{"feature": ...}`` or
            ``[feature]`` for a list, and a dict of further features for a table. A sequence of tables is stored as a
            table of lists.
        column: for messages.
        report: counts numbers that stand for no class.

    Raises:
        DataError: the names are no list of texts, or two classes have one name.
    """
    if isinstance(feature, list) and feature:
        return class_names(feature[0], column, report)
    if not isinstance(feature, Mapping):
        return None
    if feature.get("_type") == "ClassLabel":
        names = _names(feature, column)
        return _in_lists(lambda value: _class_name(names, value, column, report))
    if isinstance(feature.get("_type"), str):
        return class_names(feature.get("feature"), column, report)
    inside = {key: class_names(inner, f"{column}.{key}", report) for key, inner in feature.items()}
    return _in_tables({key: to_names for key, to_names in inside.items() if to_names})


def _names(feature: Mapping[str, Any], column: str) -> list[str]:
    names = feature.get("names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"dataset_info.json: the names of the classes of the column {column} are no list of texts")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise DataError(f"dataset_info.json: two classes of the column {column} are called {twice[0]!r}")
    return names


def _in_lists(to_name: ToNames) -> ToNames:
    """The same for lists of any depth: which feature is a list, and of what, was written in four ways so far."""

    def to_names(values: Any) -> Any:
        return [to_names(value) for value in values] if isinstance(values, list) else to_name(values)

    return to_names


def _in_tables(inside: Mapping[str, ToNames]) -> ToNames | None:
    def to_names(table: Any) -> Any:
        if not isinstance(table, Mapping):
            return table
        return {key: inside[key](value) if key in inside else value for key, value in table.items()}

    return _in_lists(to_names) if inside else None


def _class_name(names: list[str], value: Any, column: str, report: ImportReport) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"column {column} holds {value!r}; expected the number of a class, as dataset_info.json says")
    if value < 0:  # the library's way to say that nobody knows
        report.leave_out(f"{column}: classes of number -1, which stands for none", value)
        return None
    if value >= len(names):
        raise DataError(f"column {column} holds the class {value}, and only {len(names)} have names")
    return names[value]
