"""Readouts of frozen embeddings against scikit-learn, and at their edges."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from m5kit.evaluation.functional.classification import balanced_accuracy, commonest, linear_probe, neighbour_vote


def test_balanced_accuracy_equals_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predicted = rng.choice(list("xyz"), 60), rng.choice(list("xyz"), 60)
    assert balanced_accuracy(labels, predicted) == pytest.approx(balanced_accuracy_score(labels, predicted))


def test_the_commonest_of_several_is_the_first_in_order():
    assert commonest(np.array(["b", "a"])) == "a"


def test_a_probe_separates_what_a_line_separates():
    rng = np.random.default_rng(1)
    labels = rng.choice(["left", "right"], 80)
    vectors = rng.normal(size=(80, 3)).astype(np.float32)
    vectors[:, 0] = np.where(labels == "left", -5, 5)
    assert (linear_probe(vectors[:60], labels[:60], vectors[60:], strength=1.0, seed=0) == labels[60:]).all()


def test_a_probe_does_not_mind_the_scale_of_a_feature():
    rng = np.random.default_rng(2)
    vectors, labels = rng.normal(size=(60, 4)).astype(np.float32), rng.choice(["x", "y"], 60)
    scaled = vectors * np.array([1, 1000, 0.01, 1], dtype=np.float32)
    plain = linear_probe(vectors[:40], labels[:40], vectors[40:], strength=1.0, seed=0)
    assert (plain == linear_probe(scaled[:40], labels[:40], scaled[40:], strength=1.0, seed=0)).all()


def test_a_probe_of_one_class_answers_that_class():
    vectors = np.ones((3, 2), dtype=np.float32)
    assert linear_probe(vectors, np.array(["x"] * 3), vectors[:2], strength=1.0, seed=0).tolist() == ["x", "x"]


@pytest.mark.parametrize(
    ("neighbours", "expected"),
    [([0, 1, 2], "y"), ([0, 1, -1], "x"), ([1, 0, -1], "y"), ([3, 0, 1], "z"), ([2, -1, -1], "y")],
)
def test_votes(neighbours, expected):
    labels = np.array(["x", "y", "y", "z"])
    assert neighbour_vote(np.array([neighbours]), labels).tolist() == [expected]


def test_a_majority_far_away_outvotes_a_minority_near_by():
    labels = np.array(["near"] * 49 + ["far"] * 50)
    assert neighbour_vote(np.arange(99)[None], labels).tolist() == ["far"]


def test_few_items_a_class_are_no_matter_of_a_warning(recwarn):
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(12, 3)).astype(np.float32), np.array(list("abcdefghijaa"))
    linear_probe(vectors, labels, vectors, strength=1.0, seed=0)
    assert [str(warning.message) for warning in recwarn if "unique classes" in str(warning.message)] == []


@pytest.mark.parametrize("factor", [1e36, 1e-8, 1e-30])
def test_a_probe_does_not_depend_on_the_size_of_all_numbers(factor):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 4)).astype(np.float32)
    labels = np.where(vectors[:, 0] > 0, "x", "y")
    scaled = vectors * np.float32(factor)
    for one_scale in (False, True):
        plain = linear_probe(vectors[:40], labels[:40], vectors[40:], strength=1.0, seed=0, one_scale=one_scale)
        other = linear_probe(scaled[:40], labels[:40], scaled[40:], strength=1.0, seed=0, one_scale=one_scale)
        assert (plain == other).all()
