"""K-means finds what scikit-learn finds, repeats itself, and survives too many clusters."""

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from m5kit.evaluation.functional import kmeans as module
from m5kit.evaluation.functional.kmeans import kmeans


@pytest.fixture
def blobs():
    vectors, labels = make_blobs(300, n_features=5, centers=6, cluster_std=0.4, random_state=0)
    return vectors.astype(np.float32), labels


def test_separate_clouds_are_found(blobs):
    vectors, labels = blobs
    assert adjusted_rand_score(labels, kmeans(vectors, 6, seed=1).assignment) == 1.0


def test_as_low_an_inertia_as_scikit_learn(blobs):
    vectors, _ = blobs
    expected = KMeans(9, n_init=10, random_state=0).fit(vectors).inertia_
    assert kmeans(vectors, 9, seed=0).inertia <= expected * 1.0001


def test_single_items_move_where_that_lowers_the_inertia():
    # No item is nearer to the other centre, but 3.6 costs less beside 6 and 8.
    line = np.array([[0.0], [0.0], [3.6], [6.0], [8.0]], dtype=np.float32)
    start = torch.tensor([[1.2], [7.0]])
    moved, gain = module._move_single_items(
        module._Items.of(torch.from_numpy(line)), start, torch.tensor([0, 0, 0, 1, 1])
    )
    assert moved.tolist() == [0, 0, 1, 1, 1]
    # s n / (n - 1) = 2.4^2 * 3 / 2 is saved, s n / (n + 1) = 3.4^2 * 2 / 3 is added
    assert gain == pytest.approx(2.4**2 * 1.5 - 3.4**2 * 2 / 3, rel=1e-4)


def test_overlapping_clouds_are_never_worse_than_by_scikit_learn():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(240, 16)).astype(np.float32)
    for seed in range(3):
        expected = KMeans(12, n_init=10, random_state=seed).fit(vectors).inertia_
        assert kmeans(vectors, 12, seed=seed).inertia <= expected


def test_the_inertia_is_that_of_the_assignment(blobs):
    vectors, _ = blobs
    found = kmeans(vectors, 4, seed=0, restarts=1)
    assert found.inertia == pytest.approx(((vectors - found.centres[found.assignment]) ** 2).sum(), rel=1e-4)


def test_one_seed_gives_one_partition_in_blocks_of_any_size(blobs, monkeypatch):
    vectors, _ = blobs
    whole = kmeans(vectors, 6, seed=3)
    monkeypatch.setattr(module, "BLOCK", 60)
    np.testing.assert_array_equal(kmeans(vectors, 6, seed=3).assignment, whole.assignment)


def test_as_many_clusters_as_items_cost_nothing():
    vectors = np.eye(4, dtype=np.float32)
    found = kmeans(vectors, 9, seed=0)
    assert len(set(found.assignment.tolist())) == 4
    assert found.inertia == 0


def test_equal_items_form_one_cluster():
    assert len(set(kmeans(np.ones((5, 2), dtype=np.float32), 3, seed=0).assignment.tolist())) == 1


@pytest.mark.parametrize("clusters", [3, 300])
def test_the_nearest_is_that_of_torch_and_the_first_of_equal_ones(clusters):
    table = torch.randint(0, 50, (2, clusters, 40), generator=torch.Generator().manual_seed(0)).float()
    least, number = module._least(table)
    assert torch.equal(least, table.amin(1))
    assert number.tolist() == table.numpy().argmin(1).tolist()
