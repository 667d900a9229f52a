"""K-NN classification agrees with scikit-learn and refuses to be its own neighbour."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.knn import Knn


def items(count, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(["x", "y"], count)
    vectors = rng.normal(size=(count, 4)) + 2 * (chosen[:, None] == "x")
    return Embedded([f"{seed}-{i}" for i in range(count)], vectors, {"coarse": chosen})


@pytest.mark.parametrize("k", [1, 5, 21])  # odd: two classes cannot tie
def test_equals_scikit_learn(k):
    train, test = items(60, 0), items(40, 1)
    reference = KNeighborsClassifier(k, metric="cosine").fit(train.vectors, train.labels["coarse"])
    figures = Knn(train="train", test="test", label="coarse", k=k).compute(
        {Request("train"): train, Request("test"): test}, 0
    )
    assert figures["accuracy"].value == pytest.approx(reference.score(test.vectors, test.labels["coarse"]))


def test_more_neighbours_than_items_is_the_commonest_label():
    train = Embedded(["a", "b", "c"], np.eye(3), {"coarse": ["x", "y", "y"]})
    figures = Knn(train="train", test="test", label="coarse", k=9).compute(
        {Request("train"): train, Request("test"): Embedded(["d"], [[1, 0, 0]], {"coarse": ["y"]})}, 0
    )
    assert figures["accuracy"].value == figures["accuracy"].chance == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"k": 0}, "k: expected at least 1, got 0"), ({"test": "train"}, "also the training split")],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Knn(**({"train": "train", "test": "test", "label": "coarse"} | arguments))
