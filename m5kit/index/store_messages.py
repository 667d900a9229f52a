"""What the vector store says when it refuses, in words for people."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from m5kit.errors import DataError, IndexUnavailableError, QueryError
from m5kit.index.columns import Column
from m5kit.index.where import describe
from m5kit.refusals import refusal


def said_plainly(error: Exception) -> str:
    """A message of the store without its end, a line of its own source, and without the SQL around a filter.

    What the machine refused, such as a full disk, comes with what to do.

    Example:
        >>> said_plainly(ValueError("Error parsing: SELECT 1 (sql parser error: Expected: an expression, found: EOF)"))
        'expected an expression, found the end'
    """
    refused = refusal(error)
    if refused is not None:
        return refused
    said = re.sub(r",? ?/\S+\.rs:\d+:\d+", "", str(error)).removeprefix("Invalid input, ")
    compared = re.search(r"Received literal \w+\((.+)\) and could not convert to literal of type", said)
    if compared is not None:
        return f"{compared[1]} is of another kind than its column; texts stand in 'quotes', numbers do not"
    parsed = re.search(r"sql parser error: Expected: (.+), found: (.+?)(?: at Line:.*)?\)$", said.strip())
    if parsed is not None:
        expected, found = parsed.groups()
        wanted = expected if expected.isidentifier() or " " in expected else repr(expected)
        return f"expected {wanted}, found {'the end' if found == 'EOF' else repr(found)}"
    return " ".join(said.split())


RAISED = (ValueError, RuntimeError, KeyError, IndexError, OSError)
"""What the store raises for damaged files, a full disk or a wrong filter."""

OF_FILES = ("LanceError(IO)", "Lance file", "lance error: Not found", "Permission denied")
"""Parts of what it says of files that it cannot read; they tell these from a wrong filter."""


@contextmanager
def reading(place: str) -> Iterator[None]:
    """What the store raises for damaged files, as one error that names the index.

    Raises:
        IndexUnavailableError: it cannot be read.
    """
    try:
        yield
    except RAISED as error:
        raise IndexUnavailableError(f"the index {place} cannot be read: {said_plainly(error)}") from error


@contextmanager
def writing_to(place: str) -> Iterator[None]:
    """What the store raises for damaged files or a full disk, as one error that names the index.

    Raises:
        DataError: it cannot be written.
    """
    try:
        yield
    except RAISED as error:
        raise DataError(f"the index {place} cannot be written: {said_plainly(error)}") from error


def answered(ask: Callable[[], Any], place: str, where: str, columns: Sequence[Column]) -> pa.Table:
    """Make a query and run it; what the store says of a filter is put in words that name the columns.

    Raises:
        QueryError: the filter, or a text of the query, is wrong.
        IndexUnavailableError: the index cannot be read.
    """
    with reading(place):
        try:
            return ask().to_arrow()
        except UnicodeEncodeError as error:
            raise QueryError(f"no text of an index holds {error.object[error.start]!a}") from error
        except (ValueError, RuntimeError) as error:
            if not where or any(part in str(error) for part in OF_FILES):
                raise
            raise QueryError(f"where: {said_plainly(error)}; {describe(columns)}") from error
