from itertools import product

import numpy as np
import pytest
from sklearn.cluster import KMeans

from m5kit.evaluation.functional import kmeans as module
from m5kit.evaluation.functional.kmeans import kmeans


@pytest.fixture
def blobs():
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 15)
    return (6.0 * np.eye(4)[truth] + generator.normal(size=(60, 4))).astype(np.float32), truth


def test_the_best_partition_of_few_items_is_found():
    items = np.random.default_rng(3).normal(size=(8, 2)).astype(np.float32)
    best = np.inf
    for assignment in product(range(3), repeat=8):
        groups = [items[np.array(assignment) == c] for c in set(assignment)]
        best = min(best, sum(((g - g.mean(0)) ** 2).sum() for g in groups))
    assert kmeans(items, 3, seed=0, restarts=20).inertia == pytest.approx(best, rel=1e-5)


def test_it_is_as_good_as_scikit_learns(blobs):
    theirs = KMeans(4, n_init=10, random_state=0).fit(blobs[0])
    assert kmeans(blobs[0], 4, seed=0).inertia == pytest.approx(theirs.inertia_, rel=1e-5)


def test_centres_are_means_and_items_lie_with_the_nearest(blobs):
    items, _ = blobs
    found = kmeans(items, 4, seed=1)
    means = np.stack([items[found.assignment == c].mean(0) for c in range(4)])
    np.testing.assert_allclose(found.centres, means, atol=1e-5)
    distances = ((items[:, None] - found.centres) ** 2).sum(2)
    assert (distances.argmin(1) == found.assignment).all()
    assert found.inertia == pytest.approx(distances.min(1).sum(), rel=1e-5)


def test_the_same_seed_gives_the_same(blobs):
    first, second = (kmeans(blobs[0], 4, seed=2).assignment for _ in range(2))
    assert (first == second).all()


def test_more_restarts_are_never_worse(blobs):
    once, often = (kmeans(blobs[0], 6, seed=4, restarts=count).inertia for count in (1, 8))
    assert often <= once


def test_small_blocks_give_the_same(blobs, monkeypatch):
    whole = kmeans(blobs[0], 4, seed=0).assignment
    monkeypatch.setattr(module, "BLOCK", 20)
    assert (kmeans(blobs[0], 4, seed=0).assignment == whole).all()


def test_as_many_clusters_as_items_or_more_cost_nothing():
    items = np.arange(5, dtype=np.float32)[:, None]
    for clusters in (5, 9):
        found = kmeans(items, clusters, seed=0)
        assert found.inertia == 0
        assert sorted(found.assignment) == [0, 1, 2, 3, 4]


def test_equal_items_are_no_obstacle():
    found = kmeans(np.ones((6, 2), np.float32), 3, seed=0)
    assert found.inertia == 0
    assert np.isfinite(found.centres).all()


def test_one_cluster_is_the_mean(blobs):
    np.testing.assert_allclose(kmeans(blobs[0], 1, seed=0).centres[0], blobs[0].mean(0), atol=1e-5)
