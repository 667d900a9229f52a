"""The contract of a metric: it asks for embeddings of splits and returns values, each with its chance level."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from m5kit.evaluation.embedded import Embedded, labelled
from m5kit.evaluation.functional.bootstrap import mean_interval
from m5kit.evaluation.gallery import Gallery, GalleryHit, GalleryQuery
from m5kit.evaluation.request import SPACES, Corruption, Request

__all__ = [
    "SPACES",
    "Corruption",
    "Embedded",
    "Gallery",
    "GalleryHit",
    "GalleryQuery",
    "Metric",
    "MetricValue",
    "Request",
    "Result",
    "labelled",
]


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One number that a metric found, and what to hold it against.

    Attributes:
        value: the score; shares and scores are fractions, not percentages.
        chance: what knowing nothing would score; None where that means nothing.
        low: lower end of the 95 % interval over items; None where there is none.
        high: upper end.
        count: how many items or queries it was made of.
    """

    value: float
    chance: float | None
    low: float | None
    high: float | None
    count: int

    @classmethod
    def mean(cls, values: NDArray[np.float64], chance: float | None, seed: int) -> "MetricValue":
        """The mean of one value an item, with a bootstrap interval over the items.

        Example:
            >>> MetricValue.mean(np.ones(4), chance=0.5, seed=0)
            MetricValue(value=1.0, chance=0.5, low=1.0, high=1.0, count=4)
        """
        low, high = mean_interval(values, seed)
        return cls(float(values.mean()), chance, float(low), float(high), len(values))


Result = Mapping[str, MetricValue]
"""Values by name, such as ``map_std@10``."""


class Metric(ABC):
    """What it needs embedded, and the values that come of it.

    Constructors are keyword-only; everything in them comes from the config.

    Attributes:
        filled_in: names of the arguments that m5kit gives to a metric that needs them, so that a config need not.
        needs_modalities: whether the metric is about modalities themselves: the argument ``modalities`` of its
            constructor is then filled in with those of the run unless the config names some.
    """

    needs_modalities: ClassVar[bool] = False
    filled_in: ClassVar[frozenset[str]] = frozenset({"modalities"})

    @abstractmethod
    def requests(self) -> tuple[Request, ...]:
        """The embeddings that :meth:`compute` will read.

        A metric whose requests for splits all leave the modalities open (None) follows the subsets of modalities that
        an evaluation goes through; one that names some is about those.
        """

    @abstractmethod
    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Score the embeddings; the same seed gives the same values.

        Raises:
            DataError: a split has no item with the label that the metric needs.
        """

    def value_names(self) -> Sequence[str] | None:
        """The names of the values that :meth:`compute` can give; None if they are known only from the items.

        A sweep that asks for a value which no metric gives is then refused before it trains anything.
        """
        return None

    def sample_hits(self, embedded: Mapping[Request, Embedded], seed: int) -> Gallery | None:
        """What some queries found, for people to look at in a report; None for a metric that searches nothing."""
        return None
