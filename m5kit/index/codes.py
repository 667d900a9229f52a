"""How an index keeps vectors: whole numbers of a search, or bits that find candidates and codes that rank them.

Shape letters: n item, w width of the vectors that are given, d width of those that are kept.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from m5kit.errors import DataError
from m5kit.evaluation.precision import encode, unit
from m5kit.index.about import IndexInfo
from m5kit.inference.shortening import narrowed

VECTOR, BITS = "vector", "bits"
"""Columns of the store; which of them there are depends on the precision."""

NUMBERS = {"float32": pa.float32(), "float16": pa.float16(), "int8": pa.int8()}
"""The types of :data:`VECTOR`; signs need no such column."""

LEAST = 400
"""Candidates that are scored again at least: so few cost nothing, and a search of so few items is exact."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What the store is asked for.

    Attributes:
        column: that is compared.
        vector: of the query, as the column has it.
        metric: of the store.
        count: how many items.
    """

    column: str
    vector: NDArray[Any]
    metric: str
    count: int


def fields_of(about: IndexInfo) -> list[pa.Field]:
    """The columns that hold the vectors of an index."""
    fields = []
    if about.precision in NUMBERS:
        fields.append(pa.field(VECTOR, pa.list_(NUMBERS[about.precision], about.width)))
    if about.is_rescored:
        fields.append(pa.field(BITS, pa.list_(pa.uint8(), -(-about.width // 8))))
    return fields


def as_kept(units: NDArray[np.float32], about: IndexInfo) -> NDArray[np.float32]:
    """Shorten unit vectors ``n w`` to the width of the index, ``n d``; those of that width stay as they are.

    Raises:
        DataError: they are of another width.
    """
    if units.shape[1] == about.width:
        return units
    if units.shape[1] != about.whole:
        wide = about.width if about.whole is None else f"{about.whole} or {about.width}"
        raise DataError(f"expected vectors of width {wide}, got {units.shape[1]}")
    return narrowed(units, about.width, about.nested)


def columns_of(vectors: NDArray[np.float32], about: IndexInfo) -> list[pa.Array]:
    """The columns of :func:`fields_of` for unit vectors ``n d``."""
    columns = []
    for field in fields_of(about):
        codes = np.packbits(vectors > 0, axis=1) if field.name == BITS else encode(vectors, about.precision)
        flat = pa.array(codes.ravel(), field.type.value_type)
        columns.append(pa.FixedSizeListArray.from_arrays(flat, codes.shape[1]))
    return columns


def vector_columns(about: IndexInfo) -> list[str]:
    """The names of the columns that hold the vectors."""
    return [field.name for field in fields_of(about)]


def read_vectors(table: pa.Table, about: IndexInfo) -> NDArray[np.float32]:
    """The vectors ``n d`` float32 of rows of the store; those of one byte or one bit get unit length again."""
    column = table[vector_columns(about)[0]].combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    codes = flat.reshape(len(table), column.type.list_size)
    if about.precision == "binary":
        signs = np.unpackbits(codes, axis=1, count=about.width)
        return unit(2 * signs.astype(np.float32) - 1)
    numbers: NDArray[np.float32] = np.asarray(codes, np.float32)
    return unit(numbers) if about.is_rescored else numbers


def candidates(vector: NDArray[np.float32], about: IndexInfo, top: int) -> Candidates:
    """What to ask the store for, to find the ``top`` items nearest to a unit vector ``d``.

    Where numbers were made small, bits find more candidates than are asked for: signs tell directions only roughly
    (Charikar, STOC 2002). They are ranked by the whole query and the codes of the items.
    """
    if not about.is_rescored:
        return Candidates(VECTOR, vector, "dot", top)
    refine = 1 if about.compression is None else about.compression.refine
    return Candidates(BITS, np.packbits(vector > 0), "hamming", max(LEAST, top * refine))
