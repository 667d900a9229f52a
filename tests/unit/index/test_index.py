"""Indexes: built, added to, deleted from, written by several, and refused where they are damaged."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from m5kit.errors import CheckpointError, DataError, QueryError
from m5kit.index import index as indexing
from m5kit.index.about import IndexInfo
from m5kit.index.index import Index
from m5kit.index.rows import Row


def test_an_update_goes_on_after_one_that_was_killed_when_it_had_added_a_column(tmp_path, vectors, ids):
    place = tmp_path / "a.index"
    Index.of_vectors(place, ["a", "b"], vectors[:2], {"price": [1, 2]})
    Index.open(place).store.extend([pa.field("new", pa.bool_())])  # and killed here
    Index.open(place).add([Row("c", values={"price": 3})], vectors[2:3])
    again = Index.open(place)
    assert ids(again.search(where="price > 1")) == ["b", "c"]
    again.add([Row("c", values={"price": 3, "new": "very"})], vectors[2:3])
    again.finish()
    assert ids(Index.open(place).search(where="new = 'very'")) == ["c"]


def test_who_adds_keeps_what_others_added_since(tmp_path, vectors, ids):
    place = tmp_path / "a.index"
    Index.of_vectors(place, ["a"], vectors[:1], {"price": [1]})
    first, second = Index.open(place), Index.open(place)
    first.add([Row("b", values={"price": 2, "new": "yes"})], vectors[1:2])  # and no finish yet
    second.add([Row("c", values={"price": 3, "other": True})], vectors[2:3])
    second.finish()
    first.finish()
    for index in (first, Index.open(place)):
        assert ids(index.search(where="new = 'yes'")) == ["b"]
        assert ids(index.search(where="other")) == ["c"]


WRITER = """
import sys
import numpy as np
from m5kit import Index
from m5kit.index.rows import Row
place, name = sys.argv[1:]
index = Index.open(place)
vectors = np.random.default_rng(0).standard_normal((6, 16)).astype(np.float32)
for turn in range(6):
    index.add([Row(f"{name}{turn}", values={f"{name}{turn}": turn})], vectors[turn : turn + 1])
    if turn % 2:
        index.finish()
        index.delete([f"{name}{turn}"])
"""


def test_processes_that_add_at_once_wait_for_each_other(tmp_path, vectors, ids):
    place = tmp_path / "a.index"
    Index.of_vectors(place, ["x"], vectors[:1], {"price": [1]})
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(place), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    index = Index.open(place)
    assert sorted(ids(index.search(where="id != 'x'"))) == ["a0", "a2", "a4", "b0", "b2", "b4"]
    assert sorted(ids(index.search(where="a4 = 4 or b2 = 2"))) == ["a4", "b2"]


def test_an_index_says_what_it_is(index):
    assert repr(index) == f"<m5kit index {index.store.place}: 200 items of width 16>"


def test_an_item_keeps_the_folder_that_its_files_are_in(index, vectors):
    index.add([Row("far", sources={"image": "a.jpg"}, data="/elsewhere"), Row("near")], vectors[:2])
    far, near = (index.get([name])[name] for name in ("far", "near"))
    assert (far.data, far.sources) == ("/elsewhere", {"image": "a.jpg"})
    assert (near.data, near.sources) == ("", {})


def test_items_are_added_replaced_and_deleted_by_id(index, vectors, tmp_path, ids):
    index.add([Row("i000", values={"price": 1.0, "new": True}), Row("z", "test")], vectors[[1, 2]])
    assert index.delete(["i001", "absent"]) == 1
    index.finish()
    again = Index.open(tmp_path / "items.index")
    assert len(again) == 200
    assert ids(again.search(vectors[1], top=1)) == ["i000"]
    assert ids(again.search(where="new")) == ["i000"]
    assert ids(again.search(where="split = 'test'")) == ["z"]
    assert [column.name for column in again.about.columns] == ["price", "colour", "room name", "new"]


def test_facts_for_filters_are_those_of_the_items(index):
    facts = {column.name: column.facts for column in index.about.columns}
    assert facts["price"] == {"known": 200, "low": 0.0, "high": 199.0}
    assert facts["colour"]["values"] == [("blue", 67), ("red", 67)]


def test_float16_halves_the_numbers_and_keeps_the_order(tmp_path, vectors):
    index = Index.of_vectors(tmp_path / "half", list(map(str, range(200))), vectors, precision="float16")
    found = index.search(vectors[3], top=1)[0]
    assert found.row.id == "3"
    assert found.score == pytest.approx(1, abs=2e-3)


def test_what_does_not_belong_is_refused(index, tmp_path, vectors):
    with pytest.raises(DataError, match="holds no index; m5kit index RUN"):
        Index.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(DataError, match="already holds an index"):
        Index.create(tmp_path / "items.index", IndexInfo(width=3))
    with pytest.raises(DataError, match="vectors of width 16, not 8"):
        index.add([Row("x")], vectors[:1], replace(index.about, width=8))
    with pytest.raises(DataError, match="not by the run in elsewhere"):
        index.add([Row("x")], vectors[:1], replace(index.about, run="elsewhere", fingerprint="f"))
    with pytest.raises(DataError, match="1 vectors are zero or not finite, such as that of 'x'"):
        index.add([Row("x")], np.zeros((1, 16), np.float32))
    with pytest.raises(QueryError, match="a vector of width 16, got one of shape"):
        index.search(vectors[0, :8])
    with pytest.raises(QueryError, match="top: expected 1 to"):
        index.search(vectors[0], top=0)
    with pytest.raises(DataError, match="built from vectors alone"):
        index.search({"text": "a"})


def test_an_interrupted_build_is_no_index_and_can_be_repeated(tmp_path, vectors):
    place = tmp_path / "cut"
    Index.create(place, IndexInfo(width=16)).add([Row("a")], vectors[:1])
    with pytest.raises(DataError, match="holds no index"):
        Index.open(place)
    assert len(Index.of_vectors(place, ["b"], vectors[:1])) == 1


@pytest.mark.parametrize(
    ("names", "shape", "properties", "message"),
    [
        (["a", 0], (2, 4), {}, "ids must be texts that UTF-8 can write, got 0"),
        (["a", "b\ud800"], (2, 4), {}, "ids must be texts"),
        (["a"], (2, 4), {}, r"expected 1 vectors, one for each id, got float32 of shape \(2, 4\)"),
        (["a", "b"], (2,), {}, "expected 2 vectors"),
        (["a", "b"], (2, 0), {}, "expected 2 vectors"),
        (["a", "b"], (2, 4), {"price": [1]}, "the property 'price' has 1 values for 2 ids"),
    ],
)
def test_vectors_and_ids_that_do_not_fit_are_refused(tmp_path, names, shape, properties, message):
    pytest.importorskip("lancedb")
    with pytest.raises(DataError, match=message):
        Index.of_vectors(tmp_path / "items.index", names, np.ones(shape, np.float32), properties)


@pytest.mark.parametrize("names", [["a'b", 'c"d`e', "x\ny"], ["", "\0", "😀"], ["') or 1=1 --", "%", "\\"]])
def test_any_text_is_an_id(tmp_path, names, ids):
    pytest.importorskip("lancedb")
    index = Index.of_vectors(tmp_path / "items.index", names, np.eye(3, dtype=np.float32))
    assert set(index.get(names)) == set(names)
    assert names[0] not in ids(index.search(like=names[0]))
    assert index.delete(names[:1]) == 1
    assert set(ids(index.search())) == set(names[1:])


def test_names_that_the_store_keeps_for_itself_may_be_properties(tmp_path):
    pytest.importorskip("lancedb")
    values = {"_rowid": [5, 6], "_distance": [1, 2], "": [3, 4]}
    index = Index.of_vectors(tmp_path / "items.index", ["a", "b"], np.eye(2, dtype=np.float32), values)
    assert index.search(np.array([1, 0.1]), where='"_rowid" = 6')[0].row.values == {"_rowid": 6, "_distance": 2, "": 4}


@pytest.mark.parametrize(
    "change",
    [
        {"width": -1},
        {"width": 5},
        {"columns": None},
        {"columns": [{"name": "price", "stored": "price` < 0 or `price", "kind": "number"}]},
        {"approximation": {"items": 1, "partitions": -1, "probes": 1, "refine": 1, "recall": 0}},
    ],
)
def test_an_index_of_a_stranger_is_checked_before_it_is_searched(index, tmp_path, change):
    values = {**json.loads(index.about.to_json()), **change}
    index.store._base.create_table("about", pa.table({"json": [json.dumps(values)]}), mode="overwrite")
    with pytest.raises(DataError, match="build it again"):
        Index.open(tmp_path / "items.index")


@pytest.mark.parametrize("table", ["about", "items"])
def test_an_index_whose_files_were_cut_says_so(index, tmp_path, table):
    for file in (tmp_path / f"items.index/{table}.lance/data").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(DataError, match="cannot be read"):
        Index.open(tmp_path / "items.index").search(np.ones(16), where="price < 3")


def test_an_index_has_one_writer(index, tmp_path, vectors):
    with index.store.writing(), pytest.raises(CheckpointError, match="is being written by this process"):
        Index.of_vectors(tmp_path / "items.index", ["a"], vectors[:1])


def test_vectors_in_a_file_are_read_piece_by_piece(tmp_path, vectors, monkeypatch, ids, exact):
    monkeypatch.setattr(indexing, "PIECE", 64)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    names = [f"i{number:03}" for number in range(200)]
    index = Index.of_vectors(tmp_path / "mapped", names, mapped, {"number": list(range(200))})
    assert ids(index.search(vectors[130], top=5)) == exact(vectors, vectors[130], True, 5)
    assert index.search(vectors[130], top=1)[0].row.values == {"number": 130}


def test_what_a_build_wrote_on_its_way_is_not_left_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "PIECE", 1000)
    rows = np.random.default_rng(0).standard_normal((4000, 256)).astype(np.float32)
    Index.of_vectors(tmp_path / "small", list(map(str, range(4000))), rows)
    size = sum(file.stat().st_size for file in (tmp_path / "small").rglob("*.lance") if file.is_file())
    assert rows.nbytes < size < 1.3 * rows.nbytes
