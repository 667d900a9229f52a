"""The figures that several metrics share."""

import numpy as np

from m5kit.evaluation.base import Figure, Result
from m5kit.evaluation.functional.classification import Labels, balanced_accuracy, commonest


def classification_figures(train_labels: Labels, labels: Labels, predicted: Labels, seed: int) -> Result:
    """``accuracy`` and ``balanced_accuracy`` beside those of always answering the commonest training label.

    Args:
        train_labels: what the classifier learned from.
        labels: ``b``, the truth.
        predicted: ``b``.
        seed: for the interval.
    """
    right = (labels == predicted).astype(np.float64)
    constant = np.repeat(commonest(train_labels), len(labels))
    return {
        "accuracy": Figure.mean(right, float((labels == constant).mean()), seed),
        "balanced_accuracy": Figure(
            balanced_accuracy(labels, predicted), balanced_accuracy(labels, constant), None, None, len(labels)
        ),
    }
