"""Exact search returns what sorting all scores would, ties, blocks and own items included."""

import numpy as np
import pytest
import torch

from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.evaluation.functional.search import _search_on_device, top_k


def sorted_search(queries, gallery, k, own):
    """The definition: score everything, sort, take k."""
    scores = queries.astype(np.float64) @ gallery.T.astype(np.float64)
    found = np.full((len(queries), k), -1)
    for row, (score, self_position) in enumerate(zip(scores, own, strict=True)):
        order = [i for i in np.argsort(-score, kind="stable") if i != self_position][:k]
        found[row, : len(order)] = order
    return found


@pytest.fixture
def tied():
    """Small whole numbers: many equal scores, and every product is exact."""
    rng = np.random.default_rng(0)
    queries = rng.integers(-2, 3, (50, 4)).astype(np.float32)
    gallery = rng.integers(-2, 3, (200, 4)).astype(np.float32)
    return queries, gallery, rng.integers(-1, 200, 50)


@pytest.mark.parametrize("k", [1, 5, 199, 200, 210])
@pytest.mark.parametrize("blocks", [(1024, 16384), (7, 13), (50, 1)])
def test_equals_sorting_all_scores_whatever_the_blocks(tied, k, blocks):
    queries, gallery, own = tied
    found = top_k(queries, gallery, k, own=own, query_block=blocks[0], gallery_block=blocks[1], device="cpu")
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, k, own))


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_and_devices_change_nothing(tied, threads):
    queries, gallery, own = tied
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = top_k(queries, gallery, 9, own=own, query_block=20, gallery_block=150, device="cpu")
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, 9, own))


@pytest.mark.parametrize("k", [1, 5, 199, 200])
@pytest.mark.parametrize("block", [13, 500])
def test_the_way_of_an_accelerator_finds_the_same(tied, k, block):
    queries, gallery, own = tied
    buffer = torch.empty(len(queries) * min(block, len(gallery)))
    found = _search_on_device(torch.from_numpy(queries), gallery, k, own, block, buffer)
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, k, own))


def test_a_gallery_on_the_disk_is_read_where_it_lies(tied, tmp_path):
    queries, gallery, own = tied
    np.save(tmp_path / "gallery.npy", gallery)
    mapped = np.load(tmp_path / "gallery.npy", mmap_mode="r")
    found = top_k(queries, mapped, 5, own=own, gallery_block=64, device="cpu")
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, 5, own))


def test_the_earlier_of_equal_items_comes_first():
    gallery = np.ones((6, 2), dtype=np.float32)
    assert top_k(gallery[:1], gallery, 4).tolist() == [[0, 1, 2, 3]]


def test_a_query_alone_in_the_gallery_finds_nothing():
    only = np.ones((1, 2), dtype=np.float32)
    assert top_k(only, only, 2, own=np.array([0])).tolist() == [[-1, -1]]


def test_an_empty_gallery_and_no_queries():
    some, none = np.ones((2, 3), dtype=np.float32), np.empty((0, 3), dtype=np.float32)
    assert top_k(some, none, 2).tolist() == [[-1, -1], [-1, -1]]
    assert top_k(none, some, 2).shape == (0, 2)


@pytest.mark.parametrize("k", [1, 10, 80])
def test_faiss_finds_the_same(k):
    pytest.importorskip("faiss")
    rng = np.random.default_rng(1)
    queries, gallery = rng.normal(size=(30, 8)).astype(np.float32), rng.normal(size=(60, 8)).astype(np.float32)
    own = rng.integers(-1, 60, 30)
    np.testing.assert_array_equal(
        top_k(queries, gallery, k, own=own, backend="faiss"), top_k(queries, gallery, k, own=own)
    )


def test_an_unknown_backend_is_named():
    with pytest.raises(ConfigError, match="backend: expected torch or faiss, got 'annoy'"):
        top_k(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), 1, backend="annoy")


def test_a_missing_faiss_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'm5kit\[faiss\]'"):
        top_k(np.ones((1, 1), np.float32), np.ones((1, 1), np.float32), 1, backend="faiss")
