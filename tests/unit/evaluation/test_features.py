import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from m5kit.errors import DataError
from m5kit.evaluation.features import read_columns, write_columns

COLUMNS = {"id": np.array(["ä", "", "bc"]), "vector": np.arange(6, dtype=np.float32).reshape(3, 2)}


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_columns_come_back_as_they_went(tmp_path, suffix):
    path = tmp_path / "new" / f"f{suffix}"
    write_columns(path, COLUMNS)
    read = read_columns(path)
    assert list(read) == ["id", "vector"]
    assert all((read[name] == COLUMNS[name]).all() for name in COLUMNS)
    assert read["vector"].dtype == np.float32


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_no_items_are_no_mistake(tmp_path, suffix):
    write_columns(tmp_path / f"f{suffix}", {"id": np.array([], dtype=np.str_)})
    assert len(read_columns(tmp_path / f"f{suffix}")["id"]) == 0


@pytest.mark.parametrize("kind", [pyarrow.list_(pyarrow.float64()), pyarrow.list_(pyarrow.float32(), 2)])
def test_other_kinds_of_lists_are_vectors_too(tmp_path, kind):
    vectors = pyarrow.array([[1.0, 2.0], [3.0, 4.0]], kind)
    parquet.write_table(pyarrow.table({"id": ["a", None], "vector": vectors, "n": [1, 2]}), tmp_path / "f.parquet")
    read = read_columns(tmp_path / "f.parquet")
    assert read["vector"].tolist() == [[1, 2], [3, 4]]
    assert read["id"].tolist() == ["a", ""]
    assert read["n"].tolist() == ["1", "2"]


def test_vectors_of_several_widths_are_refused(tmp_path):
    parquet.write_table(pyarrow.table({"vector": [[1.0], [1.0, 2.0], None]}), tmp_path / "f.parquet")
    with pytest.raises(DataError, match=r"f.parquet have widths \[0, 1, 2\]; every item needs a vector of one width"):
        read_columns(tmp_path / "f.parquet")


def test_a_missing_file_says_what_writes_one(tmp_path):
    with pytest.raises(DataError, match=r"there is no features file .*none.npz; m5kit embed writes one"):
        read_columns(tmp_path / "none.npz")


@pytest.mark.parametrize("name", ["f.csv", "f"])
def test_other_formats_are_refused(tmp_path, name):
    (tmp_path / name).touch()
    message = f"a features file ends in .npz or .parquet, but this one is '{name}'; rename it"
    with pytest.raises(DataError, match=message):
        read_columns(tmp_path / name)
    with pytest.raises(DataError, match=message):
        write_columns(tmp_path / name, COLUMNS)


def test_pickled_objects_are_not_opened(tmp_path):
    np.savez(tmp_path / "f.npz", id=np.array([object()]))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_columns(tmp_path / "f.npz")
