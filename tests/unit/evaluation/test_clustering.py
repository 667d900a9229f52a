"""Clustering: clouds are found, noise scores chance, and chance is not zero."""

import numpy as np
import pytest

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.clustering import Clustering


def items(count, classes, signal, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    vectors = rng.normal(size=(count, classes)) + signal * np.eye(classes)[labels]
    return Embedded([str(i) for i in range(count)], vectors, {"coarse": [f"c{label}" for label in labels]})


def test_separate_clouds_are_found_whatever_their_length():
    clouds = items(80, 4, 40.0)
    stretched = Embedded(clouds.ids, clouds.vectors * np.arange(1, 81)[:, None], clouds.labels)
    figures = Clustering(split="test", label="coarse").compute({Request("test"): stretched}, 0)
    assert {name: figure.value for name, figure in figures.items()} == pytest.approx(
        dict.fromkeys(("nmi", "ami", "ari", "purity", "accuracy"), 1.0)
    )


def test_noise_scores_about_what_its_chance_level_says():
    figures = Clustering(split="test", label="coarse", restarts=2).compute({Request("test"): items(300, 30, 0.0)}, 0)
    for name, figure in figures.items():
        assert figure.value == pytest.approx(figure.chance, abs=0.05), name
    assert figures["nmi"].chance > 0.3  # many small clusters agree by chance
    assert figures["ami"].chance == figures["ari"].chance == 0.0


def test_means_over_items_have_an_interval_and_the_others_have_none():
    figures = Clustering(split="test", label="coarse").compute({Request("test"): items(60, 3, 2.0)}, 0)
    for name in ("purity", "accuracy"):
        assert figures[name].low < figures[name].value < figures[name].high
    assert figures["nmi"].low is figures["ari"].high is None


def test_unlabelled_items_are_left_out_before_clustering():
    some = items(20, 2, 9.0)
    hidden = Embedded(some.ids, some.vectors, {"coarse": ["", *some.labels["coarse"][1:]]})
    figures = Clustering(split="test", label="coarse").compute({Request("test"): hidden}, 0)
    assert figures["nmi"].count == 19


def test_the_same_seed_gives_the_same_figures():
    metric, embedded = Clustering(split="test", label="coarse", restarts=1), {Request("test"): items(60, 6, 0.5)}
    assert metric.compute(embedded, 3) == metric.compute(embedded, 3)


def test_no_restarts_and_no_permutations_are_two_mistakes():
    with pytest.raises(ConfigError, match="2 mistakes:\n  restarts: expected at least 1\n  permutations"):
        Clustering(split="test", label="coarse", restarts=0, permutations=0)
