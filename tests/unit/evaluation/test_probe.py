"""The linear probe: what it learns, what it stands beside, and that the test split never chooses."""

import numpy as np
import pytest

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation import probe as module
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.probe import Probe


def items(count, seed, labels=("x", "y", "z"), signal=4.0):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(labels, count)
    vectors = rng.normal(size=(count, 5))
    vectors[:, :3] += signal * (chosen[:, None] == np.array(["x", "y", "z"]))
    return Embedded([f"{seed}-{i}" for i in range(count)], vectors, {"coarse": chosen})


def test_separable_classes_are_told_apart():
    figures = Probe(train="train", test="test", label="coarse").compute(
        {Request("train"): items(90, 0, signal=9), Request("test"): items(60, 1, signal=9)}, 0
    )
    assert figures["accuracy"].value == figures["balanced_accuracy"].value == 1.0


def test_the_chance_level_is_the_commonest_training_label():
    train = Embedded(["a", "b", "c"], np.eye(3), {"coarse": ["x", "x", "y"]})
    test = Embedded(["d", "e", "f", "g"], np.ones((4, 3)), {"coarse": ["x", "y", "y", "y"]})
    figures = Probe(train="train", test="test", label="coarse").compute(
        {Request("train"): train, Request("test"): test}, 0
    )
    assert (figures["accuracy"].chance, figures["balanced_accuracy"].chance) == (0.25, 0.5)


def test_a_test_label_that_nobody_trained_on_counts_as_an_error():
    figures = Probe(train="train", test="test", label="coarse").compute(
        {Request("train"): items(40, 0, ["x", "y"]), Request("test"): items(20, 1, ["z"])}, 0
    )
    assert (figures["accuracy"].value, figures["accuracy"].count) == (0.0, 20)


def test_the_val_split_chooses_the_strength_and_the_smallest_of_equals_wins(monkeypatch):
    tried = []

    def pretend(train, train_labels, test, *, strength, seed, one_scale):
        tried.append((len(test), strength))
        return np.repeat("x" if strength >= 1 else "y", len(test))

    monkeypatch.setattr(module, "linear_probe", pretend)
    metric = Probe(train="train", val="val", test="test", label="coarse", strengths=[10.0, 0.1, 1.0])
    splits = {"train": items(9, 0), "val": items(7, 1, ["x"]), "test": items(5, 2, ["y"])}
    metric.compute({Request(name): part for name, part in splits.items()}, 0)
    assert tried == [(7, 0.1), (7, 1.0), (7, 10.0), (5, 1.0)]
    assert metric.requests() == (Request("train"), Request("val"), Request("test"))


def test_a_missing_label_names_the_split():
    splits = {Request("train"): items(9, 0), Request("test"): Embedded(["q"], np.ones((1, 5)))}
    with pytest.raises(DataError, match="split 'test': none of the 1 items has a label 'coarse'"):
        Probe(train="train", test="test", label="coarse").compute(splits, 0)


@pytest.mark.parametrize(
    ("strengths", "message"),
    [([0.1, 1.0], "2 are given but no val split"), ([], r"got \[\]"), ([0.0], "expected one or more positive")],
)
def test_strengths_that_cannot_be_used_are_refused(strengths, message):
    with pytest.raises(ConfigError, match=message):
        Probe(train="train", test="test", label="coarse", strengths=strengths)


@pytest.mark.parametrize(("space", "one"), [("item", True), ("image", True), ("fused", False), ("contrastive", False)])
def test_parts_of_a_vector_keep_their_weights(monkeypatch, space, one):
    scaled = []

    def pretend(train, train_labels, test, *, strength, seed, one_scale):
        scaled.append(one_scale)
        return np.repeat("x", len(test))

    monkeypatch.setattr(module, "linear_probe", pretend)
    splits = {Request("train", space=space): items(9, 0), Request("test", space=space): items(5, 2)}
    Probe(train="train", test="test", label="coarse", space=space).compute(splits, 0)
    assert scaled == [one]
