import sys

import numpy as np
import pytest

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.evaluation.functional.search import top_k


@pytest.fixture
def coarse_vectors():
    """Few distinct values, so that most scores are tied and every sum is exact."""
    generator = np.random.default_rng(0)
    return tuple(generator.integers(-1, 2, size=(size, 4)).astype(np.float32) for size in (23, 57))


def full_sort(queries, gallery, k, own=None):
    """Sort everything; of equal scores the earlier item first, the query itself nowhere."""
    found = np.full((len(queries), k), -1)
    for row, query in enumerate(queries):
        order = np.argsort(-(gallery @ query), kind="stable")
        kept = [item for item in order if own is None or item != own[row]][:k]
        found[row, : len(kept)] = kept
    return found


@pytest.mark.parametrize("k", [1, 5, 56, 57, 80])
@pytest.mark.parametrize("blocks", [(1, 1), (7, 10), (23, 57), (100, 100)])
def test_search_by_blocks_equals_a_full_sort(coarse_vectors, k, blocks):
    queries, gallery = coarse_vectors
    found = top_k(queries, gallery, k, query_block=blocks[0], gallery_block=blocks[1])
    assert (found == full_sort(queries, gallery, k)).all()
    assert found.dtype == np.int64


@pytest.mark.parametrize("backend", ["torch", "faiss"])
@pytest.mark.parametrize("k", [1, 5, 60])
def test_a_query_does_not_find_itself(backend, k):
    if backend == "faiss":
        pytest.importorskip("faiss")
    gallery = np.random.default_rng(1).normal(size=(30, 8)).astype(np.float32)
    own = np.where(np.arange(12) % 3 == 0, -1, np.arange(12))
    found = top_k(gallery[:12], gallery, k, own=own, backend=backend, gallery_block=7)
    assert (found == full_sort(gallery[:12], gallery, k, own)).all()


def test_faiss_finds_the_same_neighbours():
    pytest.importorskip("faiss")
    generator = np.random.default_rng(2)
    queries, gallery = (generator.normal(size=(size, 16)).astype(np.float32) for size in (40, 300))
    assert (top_k(queries, gallery, 10, backend="faiss") == top_k(queries, gallery, 10)).all()


def test_faiss_ranks_ties_within_the_list_by_position():
    pytest.importorskip("faiss")
    gallery = np.ones((6, 2), np.float32)
    assert top_k(gallery[:1], gallery, 6, backend="faiss").tolist() == [[0, 1, 2, 3, 4, 5]]


def test_no_queries_and_no_gallery():
    some, none = np.ones((2, 3), np.float32), np.ones((0, 3), np.float32)
    assert top_k(none, some, 4).shape == (0, 4)
    assert top_k(some, none, 4).tolist() == [[-1] * 4] * 2


def test_an_unknown_backend_is_refused(coarse_vectors):
    with pytest.raises(ConfigError, match="backend: expected torch or faiss, got 'annoy'"):
        top_k(*coarse_vectors, 1, backend="annoy")


def test_faiss_that_is_not_installed_is_named(coarse_vectors, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"backend 'faiss' needs .* pip install 'm5kit\[faiss\]'"):
        top_k(*coarse_vectors, 1, backend="faiss")
