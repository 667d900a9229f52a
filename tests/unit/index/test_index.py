import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from m5kit.errors import CheckpointError, DataError, QueryError
from m5kit.index import index as indexing
from m5kit.index import searchable
from m5kit.index.about import IndexInfo
from m5kit.index.index import Index
from m5kit.index.rows import Row


def exact(vectors, query, allowed, top):
    scores = np.where(allowed, vectors @ query, -2)
    return [f"i{number:03}" for number in np.argsort(-scores, kind="stable")[:top]]


def ids(hits):
    return [hit.row.id for hit in hits]


def test_a_search_is_exact_with_and_without_a_filter(index, vectors, properties):
    query = np.random.default_rng(1).standard_normal(16).astype(np.float32)
    unit = query / np.linalg.norm(query)
    red = np.array([colour == "red" for colour in properties["colour"]])
    assert ids(index.search(query)) == exact(vectors, unit, True, 10)
    hits = index.search(query, where="price < 50 and colour = 'red'", top=5)
    assert ids(hits) == exact(vectors, unit, red & (np.arange(200) < 50), 5)
    assert hits[0].score == pytest.approx(float(vectors[int(hits[0].row.id[1:])] @ unit), abs=1e-6)
    assert hits[0].row.values["colour"] == "red"


def test_an_absent_value_fits_no_comparison_and_can_be_asked_for(index):
    assert {hit.row.values.get("colour") for hit in index.search(where="colour != 'red'", top=200)} == {"blue"}
    assert len(index.search(where="colour is null", top=200)) == 66
    assert ids(index.search(where="\"room name\" = 'it''s'")) == ["i005"]


def test_an_update_goes_on_after_one_that_was_killed_when_it_had_added_a_column(tmp_path, vectors):
    place = tmp_path / "a.index"
    Index.of_vectors(place, ["a", "b"], vectors[:2], {"price": [1, 2]})
    Index.open(place).store.extend([pa.field("new", pa.bool_())])  # and killed here
    Index.open(place).add([Row("c", values={"price": 3})], vectors[2:3])
    again = Index.open(place)
    assert ids(again.search(where="price > 1")) == ["b", "c"]
    again.add([Row("c", values={"price": 3, "new": "very"})], vectors[2:3])
    again.finish()
    assert ids(Index.open(place).search(where="new = 'very'")) == ["c"]


def test_who_adds_keeps_what_others_added_since(tmp_path, vectors):
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


def test_processes_that_add_at_once_wait_for_each_other(tmp_path, vectors):
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


def test_a_filter_that_fits_no_item_finds_nothing(index, vectors):
    assert index.search(vectors[0], where="price > 1e9") == []
    assert index.search(like="i007", where="price > 1e9") == []
    assert index.search(where="price > 1e9") == []


def test_more_like_an_item_leaves_the_item_out(index, vectors):
    allowed = np.arange(200) != 7
    assert ids(index.search(like="i007", top=3)) == exact(vectors, vectors[7], allowed, 3)
    with pytest.raises(QueryError, match="holds no item 'i999'"):
        index.search(like="i999")


def test_equal_scores_come_in_the_order_of_ids(tmp_path):
    same = np.ones((30, 8), np.float32)
    index = Index.of_vectors(tmp_path / "same", [f"i{number:02}" for number in range(29, -1, -1)], same)
    assert ids(index.search(np.ones(8), top=3))[0] <= "i20"
    assert ids(index.search(np.ones(8), top=30)) == [f"i{number:02}" for number in range(30)]


def test_items_are_added_replaced_and_deleted_by_id(index, vectors, tmp_path):
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


def test_many_items_are_searched_approximately_and_the_recall_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "EXACT", 1000)
    monkeypatch.setattr(searchable, "EXACT", 500)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 32))
    rows = (centres[rng.integers(40, size=3000)] + 0.3 * rng.standard_normal((3000, 32))).astype(np.float32)
    said = []
    names = list(map(str, range(3000)))
    index = Index.of_vectors(tmp_path / "many", names, rows, {"n": list(range(3000))}, say=said.append)
    assert index.about.approximation.recall >= 0.95
    assert "recall@10" in said[-1]
    assert Index.open(tmp_path / "many").about.approximation == index.about.approximation
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    index.add([Row("more")], rows[:1])
    index.finish(said.append)
    assert index.about.approximation.items == 3000
    assert "more" in ids(index.search(rows[0], top=2))
    few = np.where(np.arange(3000) < 300, units @ units[5], -2)
    assert ids(index.search(rows[5], where="n < 300", top=5)) == [str(n) for n in np.argsort(-few)[:5]]


def test_a_filter_that_leaves_many_looks_through_all_partitions(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "EXACT", 1000)
    monkeypatch.setattr(searchable, "EXACT", 2900)
    monkeypatch.setattr(searchable, "FEW", 50)
    rng = np.random.default_rng(0)
    kinds = rng.integers(40, size=3000)
    rows = (rng.standard_normal((40, 32))[kinds] + 0.3 * rng.standard_normal((3000, 32))).astype(np.float32)
    names = list(map(str, range(3000)))
    index = Index.of_vectors(tmp_path / "many", names, rows, {"kind": kinds.tolist()})
    assert index.about.approximation.probes < index.about.approximation.partitions
    scores = rows / np.linalg.norm(rows, axis=1, keepdims=True) @ rows[:20].T
    for where, fits in (("kind < 30", kinds < 30), ("kind = 7", kinds == 7)):
        found = [set(ids(index.search(query, where=where, top=10))) for query in rows[:20]]
        for hits, column in zip(found, scores.T, strict=True):
            nearest = np.argsort(-np.where(fits, column, -np.inf))[:10]
            assert len(hits & set(map(str, nearest))) >= 9


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


def test_a_wrong_comparison_names_the_columns(index):
    with pytest.raises(
        QueryError,
        match=r"abc.* is of another kind than its column; .*; the columns are: id \(string\), split \(string\), price",
    ):
        index.search(where="price < 'abc'")


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
def test_any_text_is_an_id(tmp_path, names):
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


def test_questions_of_the_wrong_type_are_refused(index):
    for question in ({"item": "red"}, {"top": 2.5}, {"top": None}, {"like": 3}, {"like": "\ud800"}):
        with pytest.raises(QueryError):
            index.search(**question)
    assert index.get([]) == {}
    with pytest.raises(QueryError, match=r"where: .*; the columns are"):
        index.search(where="lower(price) = 'a'")


def test_a_search_that_needs_no_model_does_not_wait_for_torch(index):
    script = (
        "import sys, m5kit; index = m5kit.Index.open(sys.argv[1]); "
        "assert index.search(where='price < 50') and index.search(like='i007') and index.search(index.vector('i007')); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, index.store.place], check=True)


def test_vectors_in_a_file_are_read_piece_by_piece(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr(indexing, "PIECE", 64)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    names = [f"i{number:03}" for number in range(200)]
    index = Index.of_vectors(tmp_path / "mapped", names, mapped, {"number": list(range(200))})
    assert ids(index.search(vectors[130], top=5)) == exact(vectors, vectors[130], True, 5)
    assert index.search(vectors[130], top=1)[0].row.values == {"number": 130}


def test_filters_of_many_items_find_what_they_find_in_few(tmp_path, monkeypatch, vectors, properties):
    monkeypatch.setattr(indexing, "EXACT", 100)
    names = [f"i{number:03}" for number in range(200)]
    given = {**properties, "rare": [None] * 199 + ["x"], "flag": [number % 3 == 0 or None for number in range(200)]}
    index = Index.of_vectors(tmp_path / "indexed", names, vectors, given)
    assert {each.name for each in index.store._items.list_indices()} >= {"price_idx", "colour_idx", "id_idx"}
    red = np.array([colour == "red" for colour in properties["colour"]])
    cheap = np.array([price < 50 for price in properties["price"]])
    assert {hit.row.id for hit in index.search(where="price < 50", top=200)} == set(np.array(names)[cheap])
    assert ids(index.search(vectors[7], where="price < 50 and colour = 'red'")) == exact(
        vectors, vectors[7], red & cheap, 10
    )
    assert ids(index.search(where="rare = 'x'")) == ["i199"]
    assert len(index.search(where="flag is null", top=200)) == 200 - 67
    index.add([Row("more", values={"price": 1.0, "colour": "red"})], vectors[:1])
    index.finish()
    assert "more" in {hit.row.id for hit in index.search(where="price < 50 and colour = 'red'", top=200)}


def test_what_a_build_wrote_on_its_way_is_not_left_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "PIECE", 1000)
    rows = np.random.default_rng(0).standard_normal((4000, 256)).astype(np.float32)
    Index.of_vectors(tmp_path / "small", list(map(str, range(4000))), rows)
    size = sum(file.stat().st_size for file in (tmp_path / "small").rglob("*.lance") if file.is_file())
    assert rows.nbytes < size < 1.3 * rows.nbytes


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("price =", "expected an expression, found the end"),
        ("(price < 3 and )", r"expected an expression, found '\)'"),
        ("price in", r"expected '\(', found the end"),
    ],
)
def test_a_filter_that_is_no_sentence_is_told_without_the_sql_around_it(index, where, said):
    with pytest.raises(QueryError, match=f"^where: {said}; the columns are: id"):
        index.search(where=where)
