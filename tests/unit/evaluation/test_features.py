"""A features file holds exactly what was written, in both formats, and a foreign one is explained."""

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from m5kit.errors import DataError
from m5kit.evaluation import features
from m5kit.evaluation.base import Embedded
from m5kit.evaluation.features import read_columns


@pytest.mark.parametrize("name", ["features.npz", "new/folder/features.parquet"])
def test_what_is_saved_comes_back(tmp_path, name):
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    labels = {"coarse": ["shoe", "", "鞋", "hat"], "file": ["1", "2", "3", "4"]}
    Embedded(["a", "b", "c", "d"], vectors, labels).save(tmp_path / name)
    back = Embedded.load(tmp_path / name)
    assert back.ids.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(back.vectors, vectors)
    assert {k: v.tolist() for k, v in back.labels.items()} == labels


@pytest.mark.parametrize("name", ["none.npz", "none.parquet"])
def test_no_items_come_back_as_no_items(tmp_path, name):
    Embedded([], np.empty((0, 3)), {"coarse": []}).save(tmp_path / name)
    assert len(Embedded.load(tmp_path / name)) == 0


def test_a_file_of_another_program_needs_only_id_and_vector(tmp_path):
    table = {"id": [7, 8], "vector": [[1.0, 2.0], [3.0, 4.0]], "label_coarse": ["x", None], "price": [1.5, 2.5]}
    parquet.write_table(pyarrow.table(table), tmp_path / "theirs.parquet")
    items = Embedded.load(tmp_path / "theirs.parquet")
    assert items.ids.tolist() == ["7", "8"]
    assert items.vectors.tolist() == [[1, 2], [3, 4]]
    assert {k: v.tolist() for k, v in items.labels.items()} == {"coarse": ["x", ""]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"id": ["a"], "embedding": [[1.0]]}, "has no column vector .it has id, embedding"),
        ({"id": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}, r"have widths \[1, 2\]"),
        ({"id": ["a", "b"], "vector": [[1.0], None]}, r"have widths \[0, 1\]"),
    ],
)
def test_a_file_without_what_is_needed_says_so(tmp_path, table, message):
    parquet.write_table(pyarrow.table(table), tmp_path / "theirs.parquet")
    with pytest.raises(DataError, match=message):
        Embedded.load(tmp_path / "theirs.parquet")


def test_another_format_is_named(tmp_path):
    with pytest.raises(DataError, match=r"ends in .npz or .parquet, but this one is 'features.csv'"):
        Embedded(["a"], np.ones((1, 1))).save(tmp_path / "features.csv")


def test_a_missing_file_says_what_writes_one(tmp_path):
    with pytest.raises(DataError, match=r"there is no features file .* m5kit embed writes one"):
        Embedded.load(tmp_path / "gone.npz")


@pytest.mark.parametrize("name", ["a.npz", "a.parquet"])
def test_a_damaged_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match=f"cannot read .*{name}: "):
        read_columns(tmp_path / name)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "ALWAYS_UNPACKED", 1000)
    np.savez_compressed(tmp_path / "a.npz", vector=np.zeros((1000, 1000)))
    with pytest.raises(DataError, match="bytes unpacked"):
        read_columns(tmp_path / "a.npz")


@pytest.mark.parametrize("vectors", [np.ones((2, 3)) * 1j, np.full((2, 3), "a"), np.full((2, 3), b"1")])
def test_vectors_of_anything_but_real_numbers_are_refused(tmp_path, vectors):
    np.savez(tmp_path / "x.npz", id=["p", "q"], vector=vectors)
    with pytest.raises(DataError, match=r"x\.npz: expected vectors of real numbers, and the column holds"):
        Embedded.load(tmp_path / "x.npz")


def test_a_missing_number_or_date_is_no_label(tmp_path):
    numbers, dates = np.array([1.0, np.nan]), np.array(["2020-01-01", "NaT"], dtype="datetime64[D]")
    np.savez(tmp_path / "x.npz", id=["p", "q"], vector=np.ones((2, 3)), label_number=numbers, label_date=dates)
    columns = {"id": ["p", "q"], "vector": [[1.0], [2.0]], "label_number": [1.0, float("nan")]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")
    packed = Embedded.load(tmp_path / "x.npz")
    assert packed.labels["number"].tolist() == ["1.0", ""]
    assert packed.labels["date"].tolist() == ["2020-01-01", ""]
    assert Embedded.load(tmp_path / "x.parquet").labels["number"].tolist() == ["1.0", ""]
