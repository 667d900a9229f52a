"""Vectors in fewer numbers and fewer bits: what the store holds of them, and what is read back."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.precision import rounded
from m5kit.index.about import Compression, IndexInfo
from m5kit.index.codes import as_kept, candidates, columns_of, fields_of, read_vectors
from m5kit.inference.shortening import shorten

pa = pytest.importorskip("pyarrow")


def table_of(vectors, about):
    return pa.table(columns_of(vectors, about), names=[field.name for field in fields_of(about)])


@pytest.mark.parametrize(
    ("precision", "columns", "size"),
    [
        ("float32", ["vector"], 64),
        ("float16", ["vector"], 32),
        ("int8", ["vector", "bits"], 18),
        ("binary", ["bits"], 2),
    ],
)
def test_what_is_read_is_what_the_precision_leaves(vectors, precision, columns, size):
    about = IndexInfo(width=16, precision=precision)
    table = table_of(vectors, about)
    assert table.column_names == columns
    assert sum(column.nbytes for column in table.columns) == size * len(vectors)
    np.testing.assert_allclose(read_vectors(table, about), rounded(vectors, precision), atol=1e-6)


def test_signs_that_fill_no_whole_byte_are_padded(vectors):
    about = IndexInfo(width=11, precision="int8")
    short = shorten(vectors, 11)
    table = table_of(short, about)
    assert table["bits"].type.list_size == 2
    np.testing.assert_allclose(read_vectors(table, about), rounded(short, "int8"), atol=1e-6)


def test_whole_vectors_are_shortened_and_short_ones_are_kept(vectors):
    about = IndexInfo(width=16).shortened(6)
    assert (about.width, about.whole) == (6, 16)
    short = as_kept(vectors, about)
    np.testing.assert_array_equal(short, shorten(vectors, 6))
    np.testing.assert_array_equal(as_kept(short, about), short)
    np.testing.assert_allclose(as_kept(vectors, IndexInfo(width=16).shortened(4, nested=True))[0] @ vectors[0, :4],
                               np.linalg.norm(vectors[0, :4]), rtol=1e-6)  # fmt: skip
    with pytest.raises(DataError, match="expected vectors of width 16 or 6, got 9"):
        as_kept(vectors[:, :9], about)


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="expected 1 to 16 in this space, got 17"):
        IndexInfo(width=16).shortened(17)
    with pytest.raises(ConfigError, match="expected a multiple of 8, got 12"):
        IndexInfo(width=16, precision="binary").shortened(12)


def test_candidates_are_found_by_signs_where_numbers_are_small(vectors):
    whole = candidates(vectors[0], IndexInfo(width=16), 10)
    assert (whole.column, whole.metric, whole.count) == ("vector", "dot", 10)
    about = IndexInfo(width=16, precision="int8", compression=Compression(80, 0.9))
    coded = candidates(vectors[0], about, 10)
    assert (coded.column, coded.metric, coded.count) == ("bits", "hamming", 800)
    np.testing.assert_array_equal(coded.vector, np.packbits(vectors[0] > 0))
