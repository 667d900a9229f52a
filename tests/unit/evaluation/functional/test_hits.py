"""The ranks of relevant items are those in a whole ranking, ties, own items and short galleries included."""

import numpy as np
import pytest
import torch

from m5kit.evaluation.functional.hits import find_hits
from m5kit.evaluation.functional.search import top_k

LABELS = 12


@pytest.fixture
def labels():
    rng = np.random.default_rng(0)
    return {"wanted": rng.integers(0, LABELS + 2, 150), "offered": rng.integers(0, LABELS, 300)}


def by_ranking_all(queries, gallery, k, own, wanted, offered):
    found = top_k(queries, gallery, k, own=own, device="cpu")
    return np.append(offered, -1)[found] == wanted[:, None]


@pytest.mark.parametrize("k", [5, 40, 299, 300, 310])
@pytest.mark.parametrize("ties", [False, True])
def test_hits_are_those_of_the_whole_ranking(labels, k, ties):
    rng = np.random.default_rng(1)
    gallery = rng.normal(size=(300, 6)).astype(np.float32)
    if ties:
        gallery = gallery.round()
    queries, own = gallery[:150].copy(), rng.integers(-1, 300, 150)
    hits = find_hits(queries, gallery, k, own=own, **labels)
    assert hits.any()
    np.testing.assert_array_equal(hits, by_ranking_all(queries, gallery, k, own, **labels))


def test_a_deep_ranking_without_ties_is_not_made(labels, monkeypatch):
    monkeypatch.setattr("m5kit.evaluation.functional.hits.top_k", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    vectors = np.random.default_rng(2).normal(size=(300, 6)).astype(np.float32)
    assert find_hits(vectors[:150], vectors, 100, own=np.full(150, -1), **labels).any()


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_and_threads_change_nothing(labels, monkeypatch, threads):
    vectors = np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32)
    own, before = np.arange(150), torch.get_num_threads()
    monkeypatch.setattr("m5kit.evaluation.functional.hits._ROOM", 1)
    torch.set_num_threads(threads)
    try:
        hits = find_hits(vectors[:150], vectors, 100, own=own, **labels)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(hits, by_ranking_all(vectors[:150], vectors, 100, own, **labels))


def test_an_empty_gallery_has_no_hits():
    none, some = np.empty((0, 3), dtype=np.float32), np.ones((2, 3), dtype=np.float32)
    labels = {"wanted": np.zeros(2, dtype=np.int64), "offered": np.empty(0, dtype=np.int64)}
    assert find_hits(some, none, 4, own=np.full(2, -1), **labels).tolist() == [[False] * 4] * 2
