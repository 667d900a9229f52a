import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from m5kit.evaluation.figures import classification_figures


def test_figures_equal_scikit_learn_and_chance_is_the_constant_answer():
    generator = np.random.default_rng(0)
    names = np.array(["a", "b", "c"])
    labels, predicted = names[generator.integers(3, size=50)], names[generator.integers(3, size=50)]
    figures = classification_figures(labels, predicted, guess="b", seed=0)
    assert figures["accuracy"].value == pytest.approx(accuracy_score(labels, predicted))
    assert figures["accuracy"].chance == pytest.approx((labels == "b").mean())
    assert figures["balanced_accuracy"].value == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert figures["balanced_accuracy"].chance == pytest.approx(1 / 3)
    assert figures["accuracy"].low < figures["accuracy"].value < figures["accuracy"].high


def test_a_guess_that_is_no_class_of_the_split_is_never_right():
    figures = classification_figures(np.array(["a", "b"]), np.array(["a", "b"]), guess="a longer name", seed=0)
    assert [figure.chance for figure in figures.values()] == [0, 0]
    assert [figure.value for figure in figures.values()] == [1, 1]
