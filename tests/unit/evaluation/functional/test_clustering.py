from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, normalized_mutual_info_score

from m5kit.evaluation.functional.clustering import (
    SCORES,
    ami,
    ari,
    matched_accuracy,
    matched_hits,
    nmi,
    purity,
    purity_hits,
    shuffled,
)


@pytest.fixture
def partition():
    generator = np.random.default_rng(0)
    labels = generator.integers(5, size=120)
    return labels, np.where(generator.random(120) < 0.6, labels, generator.integers(5, size=120))


def test_scores_equal_scikit_learn(partition):
    assert nmi(*partition) == pytest.approx(normalized_mutual_info_score(*partition), abs=1e-9)
    assert ami(*partition) == pytest.approx(adjusted_mutual_info_score(*partition), abs=1e-9)
    assert ari(*partition) == pytest.approx(adjusted_rand_score(*partition), abs=1e-9)


def test_nmi_from_its_definition(partition):
    labels, clusters = partition
    joint = np.array([[np.mean((labels == a) & (clusters == b)) for b in range(5)] for a in range(5)])
    p, q = joint.sum(1), joint.sum(0)
    mutual = sum(joint[a, b] * np.log(joint[a, b] / (p[a] * q[b])) for a in range(5) for b in range(5) if joint[a, b])
    entropies = [-(x * np.log(x)).sum() for x in (p, q)]
    assert nmi(*partition) == pytest.approx(mutual / np.mean(entropies), abs=1e-9)


def test_purity_from_its_definition(partition):
    labels, clusters = partition
    right = sum(max(((clusters == c) & (labels == k)).sum() for k in range(5)) for c in range(5))
    assert purity(*partition) == pytest.approx(right / 120)


def test_accuracy_is_the_best_of_all_matchings(partition):
    labels, clusters = partition
    best = max(np.mean(np.array(names)[clusters] == labels) for names in permutations(range(5)))
    assert matched_accuracy(*partition) == pytest.approx(best)


def test_names_do_not_matter(partition):
    labels, clusters = partition
    words = np.array(["v", "w", "x", "y", "z"])
    for score in SCORES.values():
        assert score(words[labels], 9 - clusters) == pytest.approx(score(labels, clusters))


def test_more_clusters_than_labels_leave_some_unmatched():
    labels, clusters = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 2])
    assert matched_hits(labels, clusters).sum() == 2
    assert purity_hits(labels, clusters).sum() == 3


@pytest.mark.parametrize("name", SCORES)
def test_perfect_clusters_score_one(name):
    labels = np.array([0, 0, 1, 1, 2])
    assert SCORES[name](labels, np.array([7, 7, 3, 3, 5])) == pytest.approx(1)


@pytest.mark.parametrize(("name", "value"), [("nmi", 0), ("ami", 0), ("ari", 0), ("purity", 0.75), ("accuracy", 0.75)])
def test_one_cluster_for_everything(name, value):
    assert SCORES[name](np.array([0, 0, 0, 1]), np.zeros(4, int)) == pytest.approx(value)


@pytest.mark.parametrize("name", SCORES)
def test_one_class_and_one_cluster_agree(name):
    assert SCORES[name](np.zeros(3, int), np.zeros(3, int)) == pytest.approx(1)


def test_chance_is_high_for_many_clusters_of_few_items():
    """With a class for every two or three items NMI is large whatever is found."""
    generator = np.random.default_rng(1)
    labels, clusters = generator.integers(180, size=463), generator.integers(180, size=463)
    assert 0.75 < nmi(labels, clusters) < 0.85
    assert shuffled(nmi, labels, clusters, seed=0) == pytest.approx(nmi(labels, clusters), abs=0.02)
    assert abs(ami(labels, clusters)) < 0.05
    assert abs(shuffled(ami, labels, clusters, seed=0)) < 0.05
    assert abs(shuffled(ari, labels, clusters, seed=0)) < 0.02


def test_shuffling_is_seeded(partition):
    values = [shuffled(purity, *partition, seed=seed) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]
