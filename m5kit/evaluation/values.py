"""The values that several metrics share."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from m5kit.evaluation.base import MetricValue, Result
from m5kit.evaluation.functional.averages import finite_mean
from m5kit.evaluation.functional.classification import Labels, balanced_accuracy

CLASSIFICATION_VALUES = ("accuracy", "balanced_accuracy")
"""The names of :func:`classification_values`."""


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


def average(values: Sequence[MetricValue]) -> MetricValue:
    """The mean of a metric over tasks, such as the pairs of modalities, each counting alike.

    There is no interval: an item takes part in several of the tasks, so that their values are not independent.

    Args:
        values: at least one.
    """
    mean = finite_mean(value.value for value in values)
    chance = finite_mean(value.chance for value in values)
    return MetricValue(float("nan") if mean is None else mean, chance, None, None, len(values))
