"""A fine-tuned run is scored by what its own head says."""

import numpy as np
import pytest

from m5kit.errors import DataError
from m5kit.evaluation.base import Embedded, Request
from m5kit.evaluation.predictions import Predictions


def test_values_by_hand_over_labelled_items():
    items = Embedded(
        ["a", "b", "c", "d"], np.ones((4, 1)), {"coarse": ["x", "x", "y", ""]}, {"coarse": ["x", "y", "y", "x"]}
    )
    figures = Predictions(split="test", label="coarse").compute({Request("test", space="fused"): items}, 0)
    assert figures["accuracy"].value == figures["accuracy"].chance == pytest.approx(2 / 3)
    assert (figures["balanced_accuracy"].value, figures["balanced_accuracy"].count) == (0.75, 3)


def test_a_run_that_does_not_predict_the_label_is_told_how_to():
    items = Embedded(["a"], np.ones((1, 1)), {"coarse": ["x"]}, {"fine": ["1"]})
    with pytest.raises(DataError, match=r"does not predict the label 'coarse' .labels it predicts: fine.; fine-tune"):
        Predictions(split="test", label="coarse").compute({Request("test", space="fused"): items}, 0)


def test_a_run_that_was_not_fine_tuned_says_what_to_do():
    items = Embedded(["a"], np.ones((1, 1)), {"coarse": ["x"]})
    with pytest.raises(DataError) as caught:
        Predictions(split="test", label="coarse").compute({Request("test", space="fused"): items}, 0)
    assert str(caught.value) == (
        "the run does not predict the label 'coarse' (labels it predicts: none); fine-tune it with mode=finetune, "
        "data.label=coarse and a classification head, or use the metric 'probe'"
    )
