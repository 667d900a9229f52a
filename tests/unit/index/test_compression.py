"""What small vectors find of what whole ones would, measured."""

import numpy as np
import pytest

from m5kit.index import index as indexing
from m5kit.index import searchable
from m5kit.index.index import Index
from m5kit.inference.shortening import shorten

pytest.importorskip("lancedb")


def clustered(count, width, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((60, width))
    rows = centres[rng.integers(60, size=count)] + 0.5 * rng.standard_normal((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def ids(hits):
    return [hit.row.id for hit in hits]


@pytest.mark.parametrize("precision", ["int8", "binary"])
def test_a_search_of_few_items_equals_an_exact_one_by_what_is_kept(tmp_path, precision):
    whole = clustered(300, 64)
    index = Index.of_vectors(tmp_path / "small", list(map(str, range(300))), whole, width=32, precision=precision)
    kept = shorten(whole, 32, precision)
    query = clustered(1, 64, seed=1)[0]
    scores = kept @ shorten(query[None], 32)[0]
    hits = index.search(query, top=20)
    assert ids(hits) == [str(number) for number in np.argsort(-scores, kind="stable")[:20]]
    assert hits[0].score == pytest.approx(scores.max(), abs=1e-6)
    np.testing.assert_allclose(index.vector("7"), kept[7], atol=1e-6)


def test_the_recall_is_measured_printed_and_kept(tmp_path):
    said: list[str] = []
    rows = clustered(3000, 64)
    names = list(map(str, range(3000)))
    index = Index.of_vectors(tmp_path / "coded", names, rows, width=48, precision="int8", say=said.append)
    assert "int8 vectors of width 48: 48 bytes an item instead of 256" in said[-1]
    assert "against exact search by whole vectors (100 items as queries)" in said[-1]
    about = Index.open(tmp_path / "coded").about
    assert (about.width, about.whole, about.precision) == (48, 64, "int8")
    hits = 0
    queries = rows[np.unique(np.linspace(0, 2999, 100).astype(int))]
    for query in queries:
        truth = set(np.argsort(-(rows @ query))[:10])
        hits += len(truth & {int(name) for name in ids(index.search(query, top=10))})
    assert about.compression.recall == pytest.approx(hits / 1000, abs=0.02)


def test_more_candidates_are_scored_again_until_the_nearest_are_found(tmp_path):
    rows = clustered(3000, 64)
    index = Index.of_vectors(tmp_path / "bits", list(map(str, range(3000))), rows, precision="binary", width=64)
    assert index.about.compression.refine == 80  # signs alone do not reach the goal
    assert 0 < index.about.compression.recall < 0.95


def test_items_that_come_later_are_made_small_too(tmp_path):
    rows = clustered(50, 64)
    index = Index.of_vectors(tmp_path / "grows", list(map(str, range(40))), rows[:40], width=32, precision="int8")
    index.add([indexing.Row(str(number)) for number in range(40, 50)], rows[40:])
    before = index.about.compression
    index.finish()
    assert Index.open(tmp_path / "grows").about.compression == before
    assert ids(index.search(rows[45], top=1)) == ["45"]
    assert ids(index.search(like="45", top=50, where="id != '3'"))[0] != "45"


def test_many_coded_items_are_searched_approximately(tmp_path, monkeypatch):
    monkeypatch.setattr(indexing, "EXACT", 1000)
    monkeypatch.setattr(searchable, "EXACT", 500)
    rows = clustered(3000, 64)
    said: list[str] = []
    index = Index.of_vectors(
        tmp_path / "many", list(map(str, range(3000))), rows, precision="int8", width=64, say=said.append
    )
    assert index.about.approximation.recall >= 0.95
    assert index.about.compression.recall > 0.8
    assert ids(index.search(rows[5], top=1)) == ["5"]
    assert "approximate search" in said[-2]
