"""What a search finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from m5kit.index.about import IndexInfo
from m5kit.index.codes import read_vectors, vector_columns
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
    vectors = read_vectors(found, about)
    scores, ids = vectors @ query.vector, found["id"].to_pylist()
    # Of many candidates only those that are shown become rows: reading their properties costs more than scoring them.
    order = sorted(range(len(ids)), key=lambda place: (-scores[place], ids[place]))[:top]
    rows, shares = read_rows(found.take(pa.array(order, pa.int64())), about), query.shares(vectors[order])
    return [Hit(row, float(scores[place]), share) for row, place, share in zip(rows, order, shares, strict=True)]


def read_rows(found: pa.Table, about: IndexInfo) -> list[Row]:
    """Rows of the store without their vectors."""
    return [read_hit(row, about.columns) for row in found.select(_read_columns(found, about)).to_pylist()]


def _read_columns(found: pa.Table, about: IndexInfo) -> list[str]:
    """All but the vectors and what the store adds to its answers."""
    left_out = {*vector_columns(about), "_distance"}
    return [name for name in found.column_names if name not in left_out]
