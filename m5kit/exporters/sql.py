"""A script for psql that fills a table of PostgreSQL with pgvector."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded
from m5kit.exporters.base import Exporter
from m5kit.registry import EXPORTERS

TYPES = {"float32": ("vector", 2000), "float16": ("halfvec", 4000)}
"""Of pgvector, by precision, and the most numbers that its indexes take."""

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL; it cuts longer ones, and two could become the same."""


@EXPORTERS.register_module("sql")
class SqlExporter(Exporter):
    """``NAME.sql``: a table with ``id``, ``vector`` and ``label_NAME``, its rows, and an index for the cosine distance.

    It is run in one transaction (``psql -1 -f NAME.sql``) and expects that there is no such table. Items with nothing
    are left out: they have no cosine.

    Args:
        table: its name.
        index: ``hnsw``, ``ivfflat``, or ``none``, with which every search reads all rows.
    """

    suffix = ".sql"
    precisions = ("float32", "float16")

    def __init__(self, *, table: str = "items", index: str = "hnsw") -> None:
        if index not in ("hnsw", "ivfflat", "none"):
            raise ConfigError([f"exporter 'sql': index: expected hnsw, ivfflat or none, got {index!r}"])
        self.table, self.index = table, index

    def write(self, embedded: Embedded, path: Path) -> Sequence[Path]:
        """Write the script."""
        width, (kind, most) = embedded.vectors.shape[1], TYPES[embedded.precision]
        if self.index != "none" and width > most:
            raise DataError(
                f"pgvector indexes {kind}s of at most {most} numbers, got {width}; choose a --width, "
                "or --with index=none"
            )
        seen = embedded.select(embedded.seen)
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for line in self._script(seen, f"{kind}({width})", kind):
                file.write(line + "\n")
        return [path]

    def _script(self, embedded: Embedded, column: str, kind: str) -> Iterator[str]:
        table = _name(self.table)
        labels = [_name(f"label_{label}") for label in embedded.labels]
        yield "CREATE EXTENSION IF NOT EXISTS vector;"
        columns = ["id text PRIMARY KEY", f"vector {column} NOT NULL", *(f"{label} text" for label in labels)]
        yield f"CREATE TABLE {table} ({', '.join(columns)});"
        yield f"COPY {table} ({', '.join(['id', 'vector', *labels])}) FROM stdin;"
        for row, name in enumerate(embedded.ids.tolist()):
            numbers = ",".join(f"{number:.9g}" for number in embedded.vectors[row].tolist())
            values = [_value(str(each[row])) for each in embedded.labels.values()]
            yield "\t".join([_text(name), f"[{numbers}]", *values])
        yield "\\."
        if self.index != "none":
            # after the rows: an index that grows row by row takes many times as long
            yield f"CREATE INDEX ON {table} USING {self.index} (vector {kind}_cosine_ops);"


def _name(name: str) -> str:
    """A name as SQL quotes it.

    Raises:
        DataError: it is too long, or holds what no name may.

    Example:
        >>> print(_name('label "b" of a'))
        "label ""b"" of a"
    """
    if "\0" in name or not 0 < len(name.encode()) <= LONGEST_NAME:
        raise DataError(f"PostgreSQL takes names of 1 to {LONGEST_NAME} bytes, got {name!r}; rename it")
    return '"' + name.replace('"', '""') + '"'


def _value(text: str) -> str:
    """A label; an item without one has NULL."""
    return _text(text) if text else "\\N"


def _text(text: str) -> str:
    r"""A text as COPY reads it.

    Raises:
        DataError: it holds a character that no text of PostgreSQL may.

    Example:
        >>> print(_text("a\tb\\c"))
        a\tb\\c
    """
    if "\0" in text:
        raise DataError(f"no text of PostgreSQL holds the character 0, as in {text!r}")
    for sign, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, written)
    return text
