"""Rows of Arrow's tables as Python values, one at a time."""

from collections.abc import Iterator
from typing import Any

from m5kit.data.importers.embedded import unpacked
from m5kit.errors import DataError

UNREADABLE = (ValueError, OverflowError, ArithmeticError, TypeError)
"""Errors of values that Python cannot hold, such as times beyond year 9999; the class differs with the type."""


def read_batch(batch: Any, place: object) -> Iterator[dict[str, Any]]:
    """The rows of a record batch or a table; bytes become :class:`Blob`.

    Args:
        batch: of pyarrow.
        place: the file, for messages.

    Raises:
        DataError: damaged data, or a value that cannot be read, with its column.
    """
    try:
        batch.validate(full=True)  # a damaged length would be followed to memory that is not there: a bus error
    except UNREADABLE as error:
        raise _refusal(batch, place, error) from error
    batch = _with_whole_times(batch)
    for number in range(batch.num_rows):
        row = batch.slice(number, 1)
        try:
            values = row.to_pylist()[0]
        except UNREADABLE as error:
            raise _refusal(row, place, error) from error
        yield {key: _unpacked(key, value, place) for key, value in values.items()}


def _with_whole_times(batch: Any) -> Any:
    """The batch, with times of day as texts where they have nanoseconds: Python's own would lose these."""
    import pyarrow

    for number, field in enumerate(batch.schema):
        if field.type == pyarrow.time64("ns"):
            try:
                batch.column(number).cast(pyarrow.time64("us"))
            except pyarrow.ArrowInvalid:
                texts = batch.column(number).cast(pyarrow.string())
                batch = batch.set_column(number, pyarrow.field(field.name, pyarrow.string()), texts)
    return batch


def _unpacked(column: str, value: Any, place: object) -> Any:
    try:
        return unpacked(value)
    except ValueError as error:
        raise DataError(f"{place}: column {column} holds a map in which {error}") from error


def _refusal(rows: Any, place: object, error: Exception) -> DataError:
    return DataError(f"{place}: column {_first_unreadable(rows)} holds a value that cannot be read: {error}")


def _first_unreadable(rows: Any) -> str:
    names: list[str] = rows.schema.names
    for name in names:
        try:
            rows.column(name).validate(full=True)
            rows.column(name).to_pylist()
        except UNREADABLE:
            break
    return str(name)
