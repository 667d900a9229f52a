"""Alignment and uniformity: do classes lie together, and do items fill the sphere?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from m5kit.api import ConfigError, DataError, Embedded, Metric, MetricValue, Request, Result


class Spread(Metric):
    """Two figures that need no classifier: how close items of a class are, and how evenly all items are spread.

    ``alignment`` is the mean squared distance of two items of one class, against that of any two items as chance;
    ``uniformity`` the logarithm of the mean Gaussian potential of two items. Lower is better for both.

    Args:
        split: the split that is looked at.
        label: the classes.
        sharpness: of the Gaussian.

    Raises:
        ConfigError: ``sharpness`` is not above 0.

    Source: Wang and Isola, Understanding Contrastive Representation Learning (ICML 2020), equations 1 and 2.
    """

    def __init__(self, *, split: str, label: str, sharpness: float = 2.0) -> None:
        if sharpness <= 0:
            raise ConfigError([f"sharpness: expected a number above 0, got {sharpness}"])
        self.label, self.sharpness = label, sharpness
        self.request = Request.of(split, None, "fused")

    def requests(self) -> tuple[Request, ...]:
        """One split."""
        return (self.request,)

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Both figures.

        Raises:
            DataError: no two items share a class.
        """
        items = embedded[self.request].labelled(self.label)
        distances = _squared_distances(items.vectors.astype(np.float64))
        labels = items.label(self.label)
        apart = ~np.eye(len(items), dtype=bool)
        together = (labels[:, None] == labels) & apart
        if not together.any():
            raise DataError(f"no two items of split {self.request.split!r} share a {self.label!r}; take another label")
        aligned, anyhow = float(distances[together].mean()), float(distances[apart].mean())
        uniform = float(np.log(np.exp(-self.sharpness * distances[apart]).mean()))
        return {
            "alignment": MetricValue(aligned, anyhow, None, None, len(items)),
            "uniformity": MetricValue(uniform, None, None, None, len(items)),
        }


def _squared_distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """``b b``, after scaling to unit length."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return (2 - 2 * unit @ unit.T).clip(min=0)
