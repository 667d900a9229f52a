"""What an item costs a model, roughly: how many numbers it shows the model, by the modalities that it has."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from m5kit.data.dataset import Samples
from m5kit.data.pipeline import Pipeline


class ItemCosts:
    """The numbers that a model reads of items, from their rows alone; a row is read when it is first asked for.

    A modality counts with what its transform would make of an absent value, so no file is read, and all processes find
    the same. Lengths do not count: a video costs more than all else of an item together, however long its text is.

    Args:
        samples: the items.
        pipelines: by modality, with fitted transforms.
    """

    def __init__(self, samples: Samples, pipelines: Mapping[str, Pipeline]) -> None:
        self.samples, self.pipelines = samples, pipelines
        self.of_modality = {m: pipeline.transform.blank().values.numel() for m, pipeline in pipelines.items()}
        self._costs = np.full(len(samples), -1, dtype=np.int64)

    def __call__(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The costs ``n`` of items ``n``."""
        for index in items[self._costs[items] < 0].tolist():
            self._costs[index] = self._cost(index)
        return self._costs[items]

    def _cost(self, index: int) -> int:
        sample, cost = self.samples[index], 0
        for modality, pipeline in self.pipelines.items():
            if pipeline.reference(sample, modality) is not None:
                cost += self.of_modality[modality]
        return cost
