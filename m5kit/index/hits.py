"""What a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from m5kit.index.about import IndexInfo
from m5kit.index.query import Query
from m5kit.index.rows import Row, read_hit


@dataclass(frozen=True, eq=False)
class Hit:
    """One found item.

    Attributes:
        row: its id, split, properties and what can be shown of it.
        score: the cosine of its vector with that of the query; None where nothing was compared.
        shares: how much each modality of the query has to do with it; empty for a search by vector.
    """

    row: Row
    score: float | None
    shares: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """For files and programs; where the item's files lie is left out."""
        found: dict[str, Any] = {"id": self.row.id, "score": self.score, "split": self.row.split}
        return {**found, "properties": dict(self.row.values), "shares": dict(self.shares)}


def ranked(found: pa.Table, query: Query, about: IndexInfo, top: int) -> list[Hit]:
    """The best of what the store found, scored again: equal scores come in the order of their ids."""
    vectors = read_vectors(found, about.width)
    scores = vectors @ query.vector
    rows = [read_hit(row, about.columns) for row in found.drop(["vector", "_distance"]).to_pylist()]
    shares = query.shares(vectors)
    order = sorted(range(len(rows)), key=lambda place: (-scores[place], rows[place].id))[:top]
    return [Hit(rows[place], float(scores[place]), shares[place]) for place in order]


def read_rows(found: pa.Table, about: IndexInfo) -> list[Row]:
    """Rows of the store without their vectors."""
    return [read_hit(row, about.columns) for row in found.drop(["vector"]).to_pylist()]


def read_vectors(table: pa.Table, width: int) -> NDArray[np.float32]:
    """The vectors of rows of the store, ``n d`` float32."""
    column = table["vector"].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32).reshape(len(table), width)
