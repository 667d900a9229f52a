"""Searches: exact and approximate, by item, by example and by filters."""

import subprocess
import sys

import numpy as np
import pytest

from m5kit.errors import QueryError
from m5kit.index import index as indexing
from m5kit.index import searchable
from m5kit.index.index import Index
from m5kit.index.rows import Row


def test_a_search_is_exact_with_and_without_a_filter(index, vectors, properties, ids, exact):
    query = np.random.default_rng(1).standard_normal(16).astype(np.float32)
    unit = query / np.linalg.norm(query)
    red = np.array([colour == "red" for colour in properties["colour"]])
    assert ids(index.search(query)) == exact(vectors, unit, True, 10)
    hits = index.search(query, where="price < 50 and colour = 'red'", top=5)
    assert ids(hits) == exact(vectors, unit, red & (np.arange(200) < 50), 5)
    assert hits[0].score == pytest.approx(float(vectors[int(hits[0].row.id[1:])] @ unit), abs=1e-6)
    assert hits[0].row.values["colour"] == "red"


def test_an_absent_value_fits_no_comparison_and_can_be_asked_for(index, ids):
    assert {hit.row.values.get("colour") for hit in index.search(where="colour != 'red'", top=200)} == {"blue"}
    assert len(index.search(where="colour is null", top=200)) == 66
    assert ids(index.search(where="\"room name\" = 'it''s'")) == ["i005"]


def test_a_filter_that_fits_no_item_finds_nothing(index, vectors):
    assert index.search(vectors[0], where="price > 1e9") == []
    assert index.search(like="i007", where="price > 1e9") == []
    assert index.search(where="price > 1e9") == []


def test_more_like_an_item_leaves_the_item_out(index, vectors, ids, exact):
    allowed = np.arange(200) != 7
    assert ids(index.search(like="i007", top=3)) == exact(vectors, vectors[7], allowed, 3)
    with pytest.raises(QueryError, match="holds no item 'i999'"):
        index.search(like="i999")


def test_equal_scores_come_in_the_order_of_ids(tmp_path, ids):
    same = np.ones((30, 8), np.float32)
    index = Index.of_vectors(tmp_path / "same", [f"i{number:02}" for number in range(29, -1, -1)], same)
    assert ids(index.search(np.ones(8), top=3))[0] <= "i20"
    assert ids(index.search(np.ones(8), top=30)) == [f"i{number:02}" for number in range(30)]


def test_many_items_are_searched_approximately_and_the_recall_is_measured(tmp_path, monkeypatch, ids):
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


def test_a_filter_that_leaves_many_looks_through_all_partitions(tmp_path, monkeypatch, ids):
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


def test_a_wrong_comparison_names_the_columns(index):
    with pytest.raises(
        QueryError,
        match=r"abc.* is of another kind than its column; .*; the columns are: id \(string\), split \(string\), price",
    ):
        index.search(where="price < 'abc'")


def test_questions_of_the_wrong_type_are_refused(index):
    for question in (
        {"item": "red"},
        {"top": 2.5},
        {"top": None},
        {"like": 3},
        {"like": "\ud800"},
        {"top": True},
        {"weights": 5},
    ):
        with pytest.raises(QueryError):
            index.search(**question)
    assert index.get([]) == {}
    assert len(index.search(top=np.int64(2))) == 2
    with pytest.raises(QueryError, match=r"where: .*; the columns are"):
        index.search(where="lower(price) = 'a'")


def test_a_search_that_needs_no_model_does_not_wait_for_torch(index):
    script = (
        "import sys, m5kit; index = m5kit.Index.open(sys.argv[1]); "
        "assert index.search(where='price < 50') and index.search(like='i007') and index.search(index.vector('i007')); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, index.store.place], check=True)


def test_filters_of_many_items_find_what_they_find_in_few(tmp_path, monkeypatch, vectors, properties, ids, exact):
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
