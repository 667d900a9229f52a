import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.knn import Knn

TRAIN, TEST = Request("train"), Request("test")


@pytest.fixture
def splits(make):
    generator = np.random.default_rng(0)
    kinds = generator.choice(["a", "b"], p=[0.6, 0.4], size=120)
    return {TRAIN: make(kinds[:80], prefix="train"), TEST: make(kinds[80:], prefix="test", seed=1)}


@pytest.mark.parametrize("k", [1, 3, 7])
def test_figures_equal_scikit_learn(splits, k):
    """Of two classes an odd number of votes has a majority, so that no tie can be broken otherwise."""
    train, test = splits[TRAIN], splits[TEST]
    theirs = KNeighborsClassifier(k, metric="cosine").fit(train.vectors, train.label("kind")).predict(test.vectors)
    figures = Knn(train="train", test="test", label="kind", k=k).compute(splits, seed=0)
    assert figures["accuracy"].value == pytest.approx((theirs == test.label("kind")).mean(), abs=1e-6)
    assert figures["accuracy"].chance == pytest.approx((test.label("kind") == "a").mean())


def test_more_neighbours_than_items_vote_for_the_commonest(splits):
    figure = Knn(train="train", test="test", label="kind", k=500).compute(splits, seed=0)["accuracy"]
    assert figure.value == figure.chance


def test_the_length_of_a_vector_does_not_matter(splits):
    metric, test = Knn(train="train", test="test", label="kind"), splits[TEST]
    longer = Embedded(test.ids, test.vectors * np.arange(1, 41)[:, None], test.labels)
    assert metric.compute({**splits, TEST: longer}, seed=0) == metric.compute(splits, seed=0)


def test_a_split_without_the_label_is_named(splits, make):
    with pytest.raises(DataError, match="split 'test': none of the 1 items has a label 'kind'"):
        Knn(train="train", test="test", label="kind").compute({**splits, TEST: make([""])}, seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0, "test": "test"}, "k: expected at least 1, got 0"),
        ({"test": "train"}, "test: 'train' is also the training split; choose another split"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Knn(train="train", label="kind", **arguments)
