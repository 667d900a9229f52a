"""The items of an index as rows: their ids, what filters read, and references to what can be shown of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from m5kit.data.json_values import parse_json, whole_text
from m5kit.errors import DataError
from m5kit.index.about import IndexInfo
from m5kit.index.codes import as_kept, columns_of, fields_of
from m5kit.index.columns import ARROW, Column, ColumnCollector, to_arrow

OWN = ("id", "split")
"""Columns of every item, whatever labels and properties it has."""

ELSEWHERE = ""
"""Beside the sources of an item, under a name that no modality has: the folder that they are relative to."""

LONGEST_WORDS = 500
"""Characters that are kept of a text, to be shown with a hit."""


@dataclass(frozen=True, slots=True)
class Row:
    """One item beside its vector.

    Attributes:
        id: its name.
        split: that it belongs to.
        values: labels and properties to filter by.
        sources: by modality, what the manifest has of it: a path, a text or a table.
        data: folder that paths among them are relative to, where it is another than that of the index.
    """

    id: str
    split: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""


def item_values(labels: Mapping[str, Any], sources: Mapping[str, Any]) -> dict[str, Any]:
    """Labels, and the properties of each modality that has some; a name that is taken gets where it is from before it.

    Example:
        >>> item_values({"size": "big"}, {"table": {"size": 3, "colour": "red", "id": 7}})
        {'size': 'big', 'table.size': 3, 'colour': 'red', 'table.id': 7}
        >>> item_values({"split": "upper"}, {})
        {'label.split': 'upper'}
    """
    values = {f"label.{name}" if name in OWN else name: value for name, value in labels.items()}
    for modality, source in sources.items():
        if not isinstance(source, Mapping):
            continue
        for name, value in source.items():
            if value is not None and not isinstance(value, Mapping):
                values[f"{modality}.{name}" if name in labels or name in OWN else str(name)] = value
    return values


def schema_of(about: IndexInfo) -> pa.Schema:
    """The columns that the store holds."""
    fields = [pa.field("id", pa.string()), *fields_of(about)]
    fields += [pa.field("split", pa.string()), pa.field("sources", pa.string())]
    return pa.schema([*fields, *(pa.field(column.stored, ARROW[column.kind]) for column in about.columns)])


def to_table(rows: Sequence[Row], vectors: NDArray[np.float32], about: IndexInfo) -> pa.Table:
    """Rows with their unit vectors, as the store holds them.

    Raises:
        DataError: an id that is repeated or no text; vectors of another number or width, zero or not finite; or a value
            that its column cannot hold.
    """
    ids = [row.id for row in rows]
    if odd := [name for name in ids if not isinstance(name, str) or whole_text(name) != name]:
        raise DataError(f"ids must be texts that UTF-8 can write, got {odd[0]!a}")
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise DataError(f"expected a vector of width {about.width} for each of {len(ids)} ids, got {vectors.shape}")
    if len(set(ids)) != len(ids):
        raise DataError(f"{len(ids) - len(set(ids))} of {len(ids)} ids are repeated; give every item its own")
    columns = [
        pa.array(ids, pa.string()),
        *columns_of(as_kept(as_units(vectors, ids), about), about),
        pa.array([row.split for row in rows], pa.string()),
        pa.array([_written_sources(row) for row in rows], pa.string()),
    ]
    for column in about.columns:
        values = [row.values.get(column.name) for row in rows]
        columns.append(to_arrow(column, values, ids))
    return pa.table(columns, schema=schema_of(about))


def as_units(vectors: NDArray[np.float32], ids: Sequence[str]) -> NDArray[np.float32]:
    """The vectors with unit length.

    Raises:
        DataError: one is zero, or not finite: a search would find it anywhere or nowhere.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    bad = ~(np.isfinite(lengths) & (lengths > 0))[:, 0]
    if bad.any():
        first = ids[int(bad.argmax())]
        raise DataError(f"{bad.sum()} vectors are zero or not finite, such as that of {first!r}; leave these items out")
    return np.asarray(vectors / lengths, np.float32)


def read_hit(row: Mapping[str, Any], columns: Sequence[Column]) -> Row:
    """A row of the store as it was given.

    Raises:
        DataError: it is damaged.
    """
    values = {}
    for column in columns:
        if row[column.stored] is not None:
            values[column.name] = row[column.stored]
    try:
        sources = parse_json(row["sources"] or "{}")
    except ValueError as error:
        raise DataError(f"item {row['id']!r}: what the index knows of its files is damaged; build it again") from error
    if not isinstance(sources, dict):
        sources = {}
    return Row(row["id"], row["split"], values, data=str(sources.pop(ELSEWHERE, "")), sources=sources)


def _written_sources(row: Row) -> str:
    return json.dumps({**row.sources, ELSEWHERE: row.data} if row.data else row.sources)


def learn_columns(rows: Iterator[Row]) -> tuple[tuple[Column, ...], Sequence[str]]:
    """The columns of some rows, and the properties that are too rare for one."""
    collector = ColumnCollector()
    for row in rows:
        collector.see(row.values)
    return collector.columns(), collector.left_out()


def rows_of(ids: Sequence[str], properties: Mapping[str, Sequence[Any]], positions: range) -> Iterator[Row]:
    """Some of the items, made as they are asked for: a million rows at once take half a gigabyte."""
    for position in positions:
        values = {name: column[position] for name, column in properties.items() if column[position] is not None}
        yield Row(ids[position], values=values)


def as_matrix(vectors: Any, count: int) -> NDArray[np.float32]:
    """Vectors ``n d`` of numbers, one for each of ``count`` ids.

    Raises:
        DataError: they are something else.
    """
    found = np.asarray(vectors)
    if found.dtype.kind not in "fiu" or found.ndim != 2 or len(found) != count or not found.shape[1]:
        raise DataError(f"expected {count} vectors, one for each id, got {found.dtype} of shape {found.shape}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused with its id
        return found.astype(np.float32, copy=False)
