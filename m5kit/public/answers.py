"""What a loaded run answers, item by item."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from m5kit.models.embedder import Embedding
from m5kit.models.spaces import Spaces
from m5kit.public.forward import Computed


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The vectors of those of n items that could be used, in the order of the items.

    Attributes:
        vectors: ``k d``, float32 unless another type was asked for.
        rows: ``k``, the position of each vector's item among the n.
        problems: why the others were left out, by their position.
    """

    vectors: NDArray[Any]
    rows: NDArray[np.int64]
    problems: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The classes of one item, as a fine-tuned run scores them.

    Attributes:
        label: the best class; None for an item that was left out.
        scores: by class, the best first; for a run that was trained with a softmax they are probabilities.
        problem: why the item was left out; None if it was not.
    """

    label: str | None
    scores: Mapping[str, float]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How much each modality counts in the fused vector of one item.

    Attributes:
        shares: by modality that the item has; they sum to 1. Empty for an item that was left out.
        problem: why the item was left out; None if it was not.
    """

    shares: Mapping[str, float]
    problem: str | None = None


def vectors(space: str) -> Callable[[Spaces | Embedding], Tensor]:
    """A function that reads the vectors of a space, ``b d``, off what the model makes of a batch."""
    return lambda embedding: embedding.vectors(space)


def shares(embedding: Spaces | Embedding) -> Tensor:
    """The shares of the modalities in each item of a batch, ``b m``, for :func:`explanations`."""
    return embedding.weights


def probabilities(embedding: Spaces | Embedding) -> Tensor:
    """The probabilities of the classes for each item of a batch, ``b c``, for :func:`predictions`."""
    scores = embedding.scores
    assert scores is not None
    return scores.softmax(1)


def predictions(found: Computed, classes: Sequence[str], count: int) -> list[Prediction]:
    """One prediction for each of ``count`` items, made of their :func:`probabilities`."""
    answers = [Prediction(None, {}, found.problems.get(position)) for position in range(count)]
    for row, scores in zip(found.rows.tolist(), found.values, strict=True):
        best = np.argsort(-scores, kind="stable").tolist()
        answers[row] = Prediction(classes[best[0]], {classes[number]: float(scores[number]) for number in best})
    return answers


def explanations(found: Computed, modalities: Sequence[str], count: int) -> list[Explanation]:
    """One explanation for each of ``count`` items, made of their :func:`shares`."""
    answers = [Explanation({}, found.problems.get(position)) for position in range(count)]
    for row, weights in zip(found.rows.tolist(), found.values, strict=True):
        named = zip(modalities, weights.tolist(), strict=True)
        answers[row] = Explanation({modality: share for modality, share in named if share > 0})
    return answers
