"""What filters can be offered for each column: frequent values, or the range of numbers."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from m5kit.index.about import IndexInfo
from m5kit.index.columns import Column
from m5kit.index.store import Store

MOST_VALUES = 30
"""Values that are offered of a text; those of one with more are found by writing a filter."""


def with_facts(store: Store, about: IndexInfo) -> tuple[Column, ...]:
    """The columns of an index with what their values are now."""
    columns = []
    for column in about.columns:
        values = store.scan("", None, (), [column.stored])[column.stored]
        columns.append(replace(column, facts=_facts(column, values)))
    return tuple(columns)


def _facts(column: Column, values: pa.ChunkedArray) -> dict[str, Any]:
    known = len(values) - values.null_count
    if column.kind == "number":
        bounds = pc.min_max(values)
        return {"known": known, "low": bounds["min"].as_py(), "high": bounds["max"].as_py()}
    counts = pc.value_counts(values.drop_null()).to_pylist()
    counted = [(row["values"], row["counts"]) for row in counts]
    # Most frequent first; equally frequent ones by name, so that two builds offer them in one order.
    counted.sort(key=lambda pair: (-pair[1], str(pair[0])))
    return {"known": known, "distinct": len(counted), "values": counted[:MOST_VALUES]}
