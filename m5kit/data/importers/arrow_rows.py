"""Rows of Arrow's tables as Python values, one at a time."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from m5kit.data.importers.embedded import unpacked
from m5kit.data.importers.reading import Reading
from m5kit.errors import DataError

UNREADABLE = (ValueError, OverflowError, ArithmeticError, TypeError)
"""Errors of values that Python cannot hold, such as times beyond year 9999; the class differs with the type."""


class ColumnTypes:
    """Compares the types of the columns of the files of one import.

    Args:
        reading: counts columns that hold numbers in one file and texts in another.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._first: dict[str, tuple[str, object, Path]] = {}

    def look_at(self, schema: Any, file: Path) -> None:
        """Look at the columns of one more file of which something is made."""
        for field in schema:
            kind = _kind(field.type)
            if kind is None or field.name not in (self._reading.columns or schema.names):
                continue
            first, type_, place = self._first.setdefault(field.name, (kind, field.type, file))
            if first != kind:
                self._reading.report.notice(
                    "columns of another type than in an earlier file",
                    f"{field.name}: {field.type} in {file.name}, {type_} in {place.name}",
                )


def require_names(file: Path, names: Sequence[str]) -> None:
    """See that no two columns have one name: a row could hold but one of them.

    Raises:
        DataError: two have.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{file} has several columns called {twice[0]!r}; give each a name of its own")


def read_batch(batch: Any, place: object, columns: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a record batch or a table; bytes become :class:`Blob`.

    Args:
        batch: of pyarrow.
        place: the file, for messages.
        columns: those whose values are wanted, others are None; all if it is None. A picture of each of a million
            rows, or a time that Python cannot hold, costs nothing where nobody asks for it.

    Raises:
        DataError: damaged data, or a value that cannot be read, with its column.
    """
    try:
        batch.validate(full=True)  # a damaged length would be followed to memory that is not there: a bus error
    except UNREADABLE as error:
        raise _refusal(batch, place, error) from error
    names = batch.schema.names
    unread = dict.fromkeys(name for name in names if columns is not None and name not in columns)
    wanted = [name for name in names if name not in unread]
    batch = _with_whole_times(batch.select(wanted))
    for number in range(batch.num_rows):
        row = batch.slice(number, 1)
        try:
            values = row.to_pylist()[0] if wanted else {}
        except UNREADABLE as error:
            raise _refusal(row, place, error) from error
        yield {**unread, **{key: _unpacked(key, value, place) for key, value in values.items()}}


def _kind(type_: Any) -> str | None:
    """What the values of a type are, as far as a manifest tells them apart; None for a column that is all empty."""
    import pyarrow.types as types

    if types.is_dictionary(type_) or types.is_run_end_encoded(type_):
        return _kind(type_.value_type)
    if types.is_null(type_):
        return None
    tests = {
        "number": (types.is_integer, types.is_floating, types.is_decimal),
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "bytes": (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary),
        "list": (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view),
        "table": (types.is_struct, types.is_map),
        "time": (types.is_temporal,),
    }
    return next((kind for kind, are in tests.items() if any(is_it(type_) for is_it in are)), str(type_))


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
    column = _first_unreadable(rows)
    zone = getattr(rows.schema.field(column).type, "tz", None)
    why = str(error)
    if zone is not None and "zoneinfo" in why:  # what pyarrow says of any name that it does not know
        why = f"there is no time zone {zone!r}"
    elif isinstance(error, OverflowError):
        why = f"a value of {rows.schema.field(column).type} is beyond the times that Python knows"
    return DataError(f"{place}: column {column} holds a value that cannot be read: {why}")


def _first_unreadable(rows: Any) -> str:
    names: list[str] = rows.schema.names
    for name in names:
        try:
            rows.column(name).validate(full=True)
            rows.column(name).to_pylist()
        except UNREADABLE:
            break
    return str(name)
