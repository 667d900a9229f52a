"""Classification figures stand beside those of one constant answer."""

import numpy as np
import pytest

from m5kit.evaluation.values import classification_values


def test_values_and_chance_by_hand():
    labels = np.array(["x", "x", "x", "y"])
    figures = classification_values(labels, np.array(["x", "x", "y", "y"]), guess="x", seed=0)
    assert (figures["accuracy"].value, figures["accuracy"].chance) == (0.75, 0.75)
    assert figures["balanced_accuracy"].value == pytest.approx((2 / 3 + 1) / 2)
    assert figures["balanced_accuracy"].chance == 0.5
    assert figures["accuracy"].low <= 0.75 <= figures["accuracy"].high


def test_an_answer_that_nobody_has_is_never_right():
    figures = classification_values(np.array(["x", "y"]), np.array(["z", "z"]), guess="z", seed=0)
    assert all((figure.value, figure.chance, figure.count) == (0, 0, 2) for figure in figures.values())
