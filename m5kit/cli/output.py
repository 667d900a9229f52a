"""What verbs print: lines, and tables that are drawn on a terminal and plain elsewhere."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from m5kit.data.json_values import without_nan

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def printable(text: str) -> str:
    r"""A text without characters that steer a terminal: ids and names of files may come from a stranger.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return text.translate(_CONTROLS)


def write(text: str) -> None:
    """Print lines to standard output."""
    text = printable(text)
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()  # lines come as they are written, also into a file


def write_json(value: Any) -> None:
    r"""Print JSON data, valid whatever it holds and whatever the terminal's encoding is.

    A number that is none (NaN, infinity) has no form in JSON and becomes null. All but ASCII is escaped, as are the
    signs that :func:`printable` replaces, which would make a text unreadable.
    """
    text = json.dumps(without_nan(value), indent=2, allow_nan=False)
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")
    sys.stdout.flush()


def write_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: drawn by rich on a terminal, aligned columns with two spaces between them elsewhere."""
    cells = [list(map(str, row)) for row in rows]
    if sys.stdout.isatty():
        _draw(headers, cells)
        return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in (headers, *cells):
        padded = map(str.ljust, row, widths)
        write("  ".join(padded).rstrip())  # no blanks at the end, so that output can be compared line by line


def _draw(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with rich, as text: a cell must not be read as markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
