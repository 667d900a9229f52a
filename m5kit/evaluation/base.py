"""The contract of a metric: it requests embeddings and returns values, each with its chance level."""

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
    """One number that a metric gives, with what is needed to judge it.

    Attributes:
        value: the score; shares are fractions, not percentages.
        chance: the score of a method without any knowledge; None where there is no such level.
        low: lower end of the 95 % interval over items; None without an interval.
        high: upper end.
        count: the number of items or queries it is computed from.
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
    """Requests embeddings and computes values from them.

    Constructors are keyword-only; everything in them comes from the config.

    Attributes:
        filled_in: names of the arguments that m5kit gives to a metric that needs them; a config may leave them out.
        needs_modalities: whether the metric is about modalities themselves: the argument ``modalities`` of its
            constructor is then filled in with those of the run unless the config names some.
        least_modalities: how many modalities a model must have; with fewer a config leaves the metric out.
    """

    needs_modalities: ClassVar[bool] = False
    least_modalities: ClassVar[int] = 1
    filled_in: ClassVar[frozenset[str]] = frozenset({"modalities"})

    @abstractmethod
    def requests(self) -> tuple[Request, ...]:
        """The embeddings that :meth:`compute` will read.

        If no request for a split names modalities (None), the metric is also computed for the subsets of modalities
        that an evaluation goes through; a metric that names some is always about those.
        """

    @abstractmethod
    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Compute the values; the same seed gives the same ones.

        Raises:
            DataError: a split has no item with the label that the metric needs.
        """

    def value_names(self) -> Sequence[str] | None:
        """The names of the values that :meth:`compute` can give; None if they are known only from the items.

        A sweep that asks for a value which no metric gives is then refused before it trains anything.
        """
        return None

    def sample_hits(self, embedded: Mapping[Request, Embedded], seed: int) -> Gallery | None:
        """Some queries and their hits, for people to look at in a report; None for a metric without a search."""
        return None
