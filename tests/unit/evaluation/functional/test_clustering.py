"""Agreement of clusters with labels: scikit-learn, brute force, and what shuffling leaves."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, mutual_info_score

from m5kit.evaluation.functional.clustering import SCORES, ami, ari, matched_accuracy, nmi, purity, shuffled

EXAMPLE = (np.array(["x", "x", "x", "y", "y", "z"]), np.array([0, 0, 1, 1, 1, 1]))


def entropy(values):
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_scores_equal_their_definitions(seed):
    rng = np.random.default_rng(seed)
    labels, clusters = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    assert nmi(labels, clusters) == pytest.approx(
        2 * mutual_info_score(labels, clusters) / (entropy(labels) + entropy(clusters)), abs=1e-9
    )
    assert ami(labels, clusters) == adjusted_mutual_info_score(labels, clusters)
    assert ari(labels, clusters) == adjusted_rand_score(labels, clusters)
    best = max(np.mean(np.array(order)[clusters] == labels) for order in permutations(range(4)))
    assert matched_accuracy(labels, clusters) == pytest.approx(best)
    counts = [np.bincount(labels[clusters == c]).max() for c in np.unique(clusters)]
    assert purity(labels, clusters) == pytest.approx(sum(counts) / 50)


def test_values_by_hand():
    assert purity(*EXAMPLE) == pytest.approx(4 / 6)  # x x of the first, y y of the second
    assert matched_accuracy(*EXAMPLE) == pytest.approx(4 / 6)


def test_more_clusters_than_labels_leave_some_unmatched():
    labels, clusters = np.zeros(4, dtype=int), np.array([0, 0, 1, 2])
    assert matched_accuracy(labels, clusters) == 0.5
    assert purity(labels, clusters) == 1.0


def test_names_of_clusters_do_not_matter():
    labels, clusters = EXAMPLE
    renamed = np.array(["b", "a"])[clusters]
    for score in SCORES.values():
        assert score(labels, renamed) == pytest.approx(score(labels, clusters))


def test_one_class_in_one_cluster_is_perfect():
    assert {name: score(np.zeros(3), np.zeros(3)) for name, score in SCORES.items()} == dict.fromkeys(SCORES, 1.0)


def test_shuffling_keeps_what_chance_gives():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 40, 120)
    assert shuffled(nmi, labels, labels, seed=1) > 0.6  # many small clusters
    assert abs(shuffled(ami, labels, labels, seed=1)) < 0.05
    assert shuffled(nmi, labels, labels, seed=1) == shuffled(nmi, labels, labels, seed=1)
