import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from m5kit.data.columnar import ArrowRows, ParquetRows
from m5kit.data.manifest_rows import MODALITIES, check_row, open_rows
from m5kit.errors import DataError


def write_arrow(path, table, rows=3):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return ArrowRows(path)


def write_parquet(path, table, rows=3):
    pq.write_table(table, path, row_group_size=rows)
    return ParquetRows(path)


WRITERS = {"arrow": write_arrow, "parquet": write_parquet}


def test_parquet_takes_maps_structs_and_json_texts(tmp_path):
    columns = {
        "id": pa.array(["a", "b"]),
        "text": pa.array(["hello", None]),
        "table": pa.array(['{"size": 3, "parts": ["x"]}', None]),
        "labels": pa.array([[("fine", "f1")], [("fine", "f2")]], type=pa.map_(pa.string(), pa.string())),
        "more": pa.array([{"k": 1, "l": None}, {"k": None, "l": None}]),
    }
    pq.write_table(pa.table(columns), tmp_path / "annotations.parquet")
    rows = pickle.loads(pickle.dumps(ParquetRows(tmp_path / "annotations.parquet")))
    assert rows[0]["table"] == {"size": 3, "parts": ["x"]}
    assert rows[0]["labels"] == {"fine": "f1"}
    assert rows[0]["more"] == {"k": 1}
    assert rows[1]["table"] is None
    assert rows[1]["more"] is None
    assert rows.place(1) == "row 2"


@pytest.mark.parametrize("kind", WRITERS)
def test_rows_are_found_in_any_order_across_batches(tmp_path, kind):
    path = tmp_path / f"annotations.{kind}"
    rows = WRITERS[kind](path, pa.table({"id": [f"i{n}" for n in range(10)], "text": ["t"] * 10}))
    assert type(open_rows(tmp_path)) is type(rows)
    assert len(rows) == 10
    assert [rows[n]["id"] for n in (9, 0, 5, 3, 2, 9)] == ["i9", "i0", "i5", "i3", "i2", "i9"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_pickle_is_the_path_alone_even_after_reading(tmp_path, kind):
    rows = WRITERS[kind](tmp_path / f"a.{kind}", pa.table({"id": [f"i{n}" for n in range(1000)]}), rows=100)
    assert rows[999] == {"id": "i999"}
    copy = pickle.loads(pickle.dumps(rows))
    assert copy.__dict__ == {"path": tmp_path / f"a.{kind}"}
    assert copy[512] == {"id": "i512"}


def test_parquet_decodes_the_groups_that_are_asked_for_and_keeps_a_few(tmp_path):
    rows = write_parquet(tmp_path / "a.parquet", pa.table({"id": [f"i{n}" for n in range(30)]}))
    for index in (0, 1, 2, 29, 0):
        rows[index]
    assert rows._read.cache_info()[:2] == (3, 2)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.arrow").write_bytes(b"ARROW1 but not really")
    with pytest.raises(DataError, match=r"a\.arrow is no readable Arrow file"):
        open_rows(tmp_path / "a.arrow")


def test_a_damaged_offset_is_found_when_the_file_is_opened(tmp_path):
    """It would end the process by a signal as soon as its row is read."""
    values = pa.table({"id": ["a" * 50, "b" * 50], "text": ["x", "y"]})
    path = tmp_path / "a.arrow"
    with pa.ipc.new_file(path, values.schema) as writer:
        writer.write_table(values)
    content = path.read_bytes()
    place = content.index(np.array([0, 50, 100], np.int32).tobytes())
    path.write_bytes(content[: place + 8] + b"\xff\xff\xff\x7f" + content[place + 12 :])
    with pytest.raises(DataError, match=r"a.arrow is no readable Arrow file: ArrowInvalid"):
        ArrowRows(path)


def test_a_map_that_has_a_key_twice_is_a_problem_of_its_row_and_an_empty_one_is_none(tmp_path):
    kind = pa.map_(pa.string(), pa.int64())
    tables = pa.array([[("k", 1), ("k", 2)], [], [("k", 3)]], kind)
    rows = write_parquet(tmp_path / "a.parquet", pa.table({"id": ["a", "b", "c"], "text": ["x"] * 3, "table": tables}))
    assert check_row(rows, 0, MODALITIES) == ({}, [("row", "is no JSON (the key 'k' is given twice)")])
    assert [check_row(rows, number, MODALITIES)[0]["table"] for number in (1, 2)] == [None, {"k": 3}]
