"""Values that several metrics compute."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from m5kit.evaluation.base import MetricValue, Result
from m5kit.evaluation.functional.averages import finite_mean
from m5kit.evaluation.functional.classification import Labels, balanced_accuracy

CLASSIFICATION_VALUES = ("accuracy", "balanced_accuracy")
"""The names of :func:`classification_values`."""


def classification_values(labels: Labels, predicted: Labels, *, guess: Any, seed: int) -> Result:
    """``accuracy`` and ``balanced_accuracy``, with those of always answering ``guess`` as chance levels.

    Args:
        labels: ``b``, the truth.
        predicted: ``b``.
        guess: the best constant answer, usually the commonest class.
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


def average(values: Sequence[MetricValue]) -> MetricValue:
    """The unweighted mean of a value over several searches or labels, such as all pairs of modalities.

    There is no interval: an item takes part in several of them, so their values are not independent.

    Args:
        values: at least one.
    """
    mean = finite_mean(value.value for value in values)
    chance = finite_mean(value.chance for value in values)
    return MetricValue(float("nan") if mean is None else mean, chance, None, None, len(values))
