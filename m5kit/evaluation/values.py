"""The values that several metrics share."""

from typing import Any

import numpy as np

from m5kit.evaluation.base import MetricValue, Result
from m5kit.evaluation.functional.classification import Labels, balanced_accuracy


def classification_values(labels: Labels, predicted: Labels, *, guess: Any, seed: int) -> Result:
    """``accuracy`` and ``balanced_accuracy`` beside those of always answering ``guess``.

    Args:
        labels: ``b``, the truth.
        predicted: ``b``.
        guess: the one answer of somebody who knows only how common the classes are.
        seed: for the interval.
    """
    right = (labels == predicted).astype(np.float64)
    constant = np.repeat(guess, len(labels))
    return {
        "accuracy": MetricValue.mean(right, float((labels == constant).mean()), seed),
        "balanced_accuracy": MetricValue(
            balanced_accuracy(labels, predicted), balanced_accuracy(labels, constant), None, None, len(labels)
        ),
    }
