import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.probe import Probe

TRAIN, VAL, TEST = Request("train"), Request("val"), Request("test")


@pytest.fixture
def splits(make):
    generator = np.random.default_rng(0)
    kinds = [generator.choice(["a", "b", "c"], p=[0.5, 0.3, 0.2], size=60) for _ in range(3)]
    return {
        request: make(kind, prefix=request.split, seed=i)
        for i, (request, kind) in enumerate(zip((TRAIN, VAL, TEST), kinds, strict=True))
    }


def theirs(splits, strength, request):
    train = splits[TRAIN]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    return probe.fit(train.vectors, train.label("kind")).predict(splits[request].vectors)


def test_figures_equal_scikit_learn(splits):
    figures = Probe(train="train", test="test", label="kind").compute(splits, seed=0)
    truth, predicted = splits[TEST].label("kind"), theirs(splits, 1.0, TEST)
    assert figures["accuracy"].value == pytest.approx(accuracy_score(truth, predicted), abs=1e-6)
    assert figures["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(truth, predicted), abs=1e-6)
    assert figures["accuracy"].chance == pytest.approx((truth == "a").mean())


def test_the_validation_split_chooses_the_smallest_of_the_best_strengths(splits):
    strengths = [100.0, 1e-4, 0.1, 1.0]
    metric = Probe(train="train", val="val", test="test", label="kind", strengths=strengths)
    truth = splits[VAL].label("kind")
    accuracies = {c: (theirs(splits, c, VAL) == truth).mean() for c in sorted(strengths)}
    best = max(accuracies, key=accuracies.get)
    expected = (theirs(splits, best, TEST) == splits[TEST].label("kind")).mean()
    assert len(set(accuracies.values())) > 1
    assert metric.compute(splits, seed=0)["accuracy"].value == pytest.approx(expected)


def test_only_what_is_needed_is_asked_for():
    assert Probe(train="train", test="test", label="kind").requests() == (TRAIN, TEST)
    assert Probe(train="train", test="test", val="val", label="kind").requests() == (TRAIN, VAL, TEST)


def test_a_class_that_training_lacks_is_an_error_and_no_crash(splits, make):
    unseen = {**splits, TEST: make(["a", "b", "c", "new"], prefix="t", apart=0)}
    assert Probe(train="train", test="test", label="kind").compute(unseen, seed=0)["accuracy"].value <= 0.75


def test_one_training_class(splits, make):
    single = {**splits, TRAIN: make(["b"] * 5, prefix="train")}
    figure = Probe(train="train", test="test", label="kind").compute(single, seed=0)["accuracy"]
    assert figure.value == figure.chance == pytest.approx((splits[TEST].label("kind") == "b").mean())


def test_unlabelled_items_are_left_out(splits):
    metric, train = Probe(train="train", test="test", label="kind"), splits[TRAIN]
    noise = Embedded(["n1", "n2"], 1000 * np.ones((2, 8)), {"kind": ["", ""]})
    more = Embedded(
        np.concatenate([train.ids, noise.ids]),
        np.concatenate([train.vectors, noise.vectors]),
        {"kind": np.concatenate([train.label("kind"), noise.labels["kind"]])},
    )
    assert metric.compute({**splits, TRAIN: more}, seed=0) == metric.compute(splits, seed=0)


def test_a_split_without_the_label_is_named(splits, make):
    with pytest.raises(DataError, match="split 'train': none of the 2 items has a label 'kind'"):
        Probe(train="train", test="test", label="kind").compute({**splits, TRAIN: make(["", ""])}, seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strengths": []}, r"strengths: expected one or more positive numbers, got \[\]"),
        ({"strengths": [0.0]}, r"strengths: expected one or more positive numbers, got \[0.0\]"),
        ({"strengths": [1, 2]}, "strengths: 2 are given but no val split to choose by; set val"),
    ],
)
def test_wrong_strengths_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Probe(train="train", test="test", label="kind", **arguments)
