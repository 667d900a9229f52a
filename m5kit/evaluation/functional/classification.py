"""Classifiers of frozen embeddings, and the scores of their predictions.

Shape letters: b item, d width, c class, k top-k.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Vectors = NDArray[np.float32]

SMALLEST = 1e-12
"""What varies less is constant up to rounding; it is not scaled up."""
USUAL = 1e-3, 1e15
"""Where the largest number of vectors is outside of this, they are scaled first: squares would vanish or overflow."""


def balanced_accuracy(labels: Labels, predicted: Labels) -> float:
    """Mean recall of the classes in ``labels``; rare classes count as much as common ones.

    Example:
        >>> balanced_accuracy(np.array(["x", "x", "x", "y"]), np.array(["x", "x", "x", "x"]))
        0.5
    """
    names, number = np.unique(labels, return_inverse=True)
    # counts of right answers and of items, by class
    right = np.bincount(number, weights=labels == predicted, minlength=len(names))
    return float((right / np.bincount(number)).mean())


def commonest(labels: Labels) -> Any:
    """The most frequent label; the first in sorted order if there are several.

    Example:
        >>> str(commonest(np.array(["y", "x", "y", "x", "z"])))
        'x'
    """
    names, counts = np.unique(labels, return_counts=True)
    return names[counts.argmax()]


def linear_probe(
    train: Vectors, train_labels: Labels, test: Vectors, *, strength: float, seed: int, one_scale: bool = False
) -> Labels:
    """Labels ``b`` that a logistic regression on standardised training vectors predicts for ``test``.

    Args:
        train: ``b d``.
        train_labels: ``b``; a single class is predicted for everything.
        test: ``b d``.
        strength: inverse of the L2 penalty, scikit-learn's C.
        seed: for the solver.
        one_scale: divide all columns by one number instead of each by its own deviation. A vector whose parts weigh
            differently on purpose is then probed as it is searched; columns that hardly vary are not blown up.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(train_labels)) == 1:  # nothing to tell apart, and scikit-learn refuses
        return np.repeat(train_labels[:1], len(test))
    train, test = _of_usual_size(train, test)
    centre = train.mean(axis=0)
    spread = np.square(train - centre).mean(axis=None if one_scale else 0)
    scale = np.where(spread > SMALLEST, np.sqrt(spread), 1.0).astype(train.dtype)
    probe = LogisticRegression(C=strength, max_iter=1000, random_state=seed)
    with warnings.catch_warnings():
        # With few items a class scikit-learn asks whether numbers were meant; a user of a metric cannot act on it.
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        predicted: Labels = probe.fit((train - centre) / scale, train_labels).predict((test - centre) / scale)
    return predicted


def _of_usual_size(train: Vectors, test: Vectors) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both as they are, or in 64 bits and divided by the largest number of ``train``."""
    largest = np.abs(train).max(initial=0)
    usual = largest == 0 or (USUAL[0] < largest < USUAL[1])
    if usual and np.abs(test).max(initial=0) < USUAL[1]:
        return train, test
    scale = np.float64(largest or 1)
    return train / scale, test / scale


def neighbour_vote(neighbours: NDArray[np.int64], train_labels: Labels) -> Labels:
    """Label ``b`` that most of the k neighbours have; if several are equally frequent, the one with nearer neighbours.

    Args:
        neighbours: ``b k`` positions in ``train_labels``, nearest first, -1 for none.
        train_labels: the label of each position.

    Example:
        >>> neighbour_vote(np.array([[0, 1, 2], [1, 0, -1]]), np.array(["x", "y", "y"])).tolist()
        ['y', 'y']
    """
    names, number = np.unique(train_labels, return_inverse=True)
    ranks = np.arange(neighbours.shape[1])
    # ties between labels are broken by the ranks of their neighbours
    weights = 1 - ranks / (len(ranks) + 1) ** 2  # all ranks together cannot outweigh one vote
    votes = np.zeros((len(neighbours), len(names)))
    rows, columns = (neighbours >= 0).nonzero()
    np.add.at(votes, (rows, number[neighbours[rows, columns]]), weights[columns])
    winners: Labels = names[votes.argmax(1)]
    return winners
