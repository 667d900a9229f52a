"""Products of bfloat16 never rule out what is among the best, and are left where they cannot tell."""

import numpy as np
import pytest
import torch

from m5kit.evaluation.functional import screening
from m5kit.evaluation.functional.screening import Rounded, candidates, errors, exact
from m5kit.evaluation.functional.search import top_k


@pytest.fixture
def screened(monkeypatch):
    """Screens whatever the processor, and counts how many blocks could be told by it."""
    told = []

    def watched(*arguments, **named):
        places = candidates(*arguments, **named)
        told.append(places is not None)
        return places

    monkeypatch.setattr(screening, "_has_amx", lambda: True)
    monkeypatch.setattr("m5kit.evaluation.functional.search_cpu.candidates", watched)
    return told


def vectors(count, width=24, seed=0):
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def sorted_search(queries, gallery, k):
    """Positions by scores of double precision, the earlier of equal ones first."""
    return np.argsort(-(queries.astype(np.float64) @ gallery.T.astype(np.float64)), axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("gallery_block", [700, 8192])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_best_are_those_of_all_scores(screened, gallery_block, threads):
    queries, gallery = vectors(130), vectors(1400, seed=1)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = top_k(queries, gallery, 9, query_block=100, gallery_block=gallery_block, device="cpu")
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, 9))
    assert screened
    assert all(screened)


def test_ties_and_own_items_are_as_without(screened, monkeypatch):
    rng = np.random.default_rng(2)
    queries = rng.integers(-3, 4, (60, 5)).astype(np.float32)
    queries[(queries == 0).all(1)] = 1
    gallery = np.concatenate([queries, rng.integers(-3, 4, (900, 5)).astype(np.float32)])
    found = top_k(queries, gallery, 20, own=np.arange(60), device="cpu")
    assert any(screened)
    monkeypatch.setattr(screening, "_has_amx", lambda: False)
    np.testing.assert_array_equal(found, top_k(queries, gallery, 20, own=np.arange(60), device="cpu"))


@pytest.mark.parametrize(
    "gallery",
    [
        pytest.param(-np.abs(vectors(400)), id="no score above zero"),
        pytest.param(np.ones((400, 24), dtype=np.float32), id="all alike"),
        pytest.param(vectors(400) * np.float32(1e-32), id="too small"),
        pytest.param(np.where(np.arange(400)[:, None] == 7, np.float32(1e30), vectors(400)), id="one very long"),
    ],
)
def test_what_cannot_be_told_is_scored_as_a_whole(screened, gallery):
    queries = np.abs(vectors(10, seed=3))
    found = top_k(queries, gallery, 5, device="cpu")
    assert screened
    assert not all(screened)
    np.testing.assert_array_equal(found, sorted_search(queries, gallery, 5))


def test_a_product_is_at_most_so_far_from_the_true_one():
    queries, gallery = torch.from_numpy(vectors(200, 64)), torch.from_numpy(vectors(300, 64, seed=4) * 3)
    left, right = Rounded.measured(queries), Rounded.bounded(gallery)
    products = left.vectors.double() @ right.vectors.double().T
    apart = (products - queries.double() @ gallery.double().T).abs().amax(1).numpy()
    error = errors(left, right)
    assert (apart <= error).all()
    assert (error < 20 * apart).all()  # a bound that rules nothing out would be none


def test_the_most_that_rounding_takes_is_not_exceeded():
    gallery = torch.from_numpy(vectors(300, 64, seed=6))
    measured, bounded = Rounded.measured(gallery), Rounded.bounded(gallery)
    assert (measured.lost <= bounded.lost).all()
    assert (measured.lost > bounded.lost / 4).all()
    assert torch.equal(measured.vectors, bounded.vectors)


def test_few_pairs_have_the_scores_of_all():
    queries, gallery = torch.from_numpy(vectors(3)), torch.from_numpy(vectors(50, seed=5))
    scores = exact(queries, gallery, np.array([2, 0, 1]), np.array([4, 30, 49]))
    np.testing.assert_allclose(scores, (queries @ gallery.T)[[0, 0, 2], [4, 30, 49]].numpy(), rtol=1e-5)


def test_screening_is_for_few_of_many_and_for_processors_that_gain():
    assert not screening.pays(100, 100)
    assert screening.pays(1, 10_000) == screening._has_amx()
