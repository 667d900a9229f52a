"""What the vector store says when it refuses, in words for people."""

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from m5kit.errors import DataError, QueryError
from m5kit.index.columns import Column
from m5kit.index.where import describe


def said_plainly(error: Exception) -> str:
    """A message of the store without its end, a line of its own source, and without the SQL around a filter.

    Example:
        >>> said_plainly(ValueError("Error parsing: SELECT 1 (sql parser error: Expected: an expression, found: EOF)"))
        'expected an expression, found the end'
    """
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


def answered(asked: Any, where: str, columns: Sequence[Column]) -> pa.Table:
    """Run a query; what the store says of a filter is put in words that name the columns."""
    try:
        return asked.to_arrow()
    except UnicodeEncodeError as error:
        raise QueryError(f"no text of an index holds {error.object[error.start]!a}") from error
    except (ValueError, RuntimeError) as error:
        said = said_plainly(error)
        if not where or "LanceError(IO)" in said or "Lance file" in said:
            raise DataError(f"the index cannot be read: {said}") from error
        raise QueryError(f"where: {said}; {describe(columns)}") from error
