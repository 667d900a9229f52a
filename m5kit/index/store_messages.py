"""What the vector store says when it refuses, in words for people."""

import re


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
