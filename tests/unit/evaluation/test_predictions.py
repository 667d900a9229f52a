import numpy as np
import pytest

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.predictions import Predictions

KINDS = ["x", "x", "x", "y", "", "new"]


def items(**predictions):
    return Embedded([str(i) for i in range(6)], np.ones((6, 2)), {"kind": KINDS}, predictions)


def test_the_heads_answers_are_held_against_the_labels():
    """Of five labelled items three are right; a class that training never saw cannot be."""
    metric = Predictions(split="test", label="kind")
    figures = metric.compute({Request("test"): items(kind=["x", "x", "y", "y", "x", "x"])}, seed=0)
    assert figures["accuracy"].value == pytest.approx(3 / 5)
    assert figures["accuracy"].chance == pytest.approx(3 / 5)
    assert figures["accuracy"].count == 5
    assert figures["balanced_accuracy"].value == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert figures["balanced_accuracy"].chance == pytest.approx(1 / 3)


def test_a_subset_of_modalities_is_asked_for():
    metric = Predictions(split="test", label="kind", modalities=["b", "a"])
    assert metric.requests() == (Request("test", ("a", "b"), "fused"),)


def test_a_run_that_was_not_fine_tuned_says_what_to_do():
    with pytest.raises(DataError) as caught:
        Predictions(split="test", label="kind").compute({Request("test"): items()}, seed=0)
    assert str(caught.value) == (
        "the run does not predict the label 'kind' (labels it predicts: none); fine-tune it with mode=finetune, "
        "data.label=kind and a classification head, or use the metric 'probe'"
    )


def test_a_run_fine_tuned_on_another_label_names_it():
    with pytest.raises(DataError, match=r"predict the label 'kind' \(labels it predicts: brand\)"):
        Predictions(split="test", label="kind").compute({Request("test"): items(brand=["b"] * 6)}, seed=0)


def test_a_split_without_the_label_is_named():
    with pytest.raises(DataError, match="split 'test': none of the 6 items has a label 'brand'"):
        Predictions(split="test", label="brand").compute({Request("test"): items()}, seed=0)
