"""What a loaded run answers, item by item."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The vectors of those of n items that could be used, in the order of the items.

    Attributes:
        vectors: ``k d`` float32.
        rows: ``k``, the position of each vector's item among the n.
        problems: why the others were left out, by their position.
    """

    vectors: NDArray[np.float32]
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
