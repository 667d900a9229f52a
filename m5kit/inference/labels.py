"""The labels of items, as metrics read them."""

from collections.abc import Mapping

import numpy as np

from m5kit.data.dataset import Samples
from m5kit.structures import Sample


def read_labels(samples: Samples, properties: str | None) -> Mapping[str, np.ndarray]:
    """The labels of every item by name, an empty string where it has none.

    Args:
        samples: the items.
        properties: a modality whose properties join the labels, as ``MODALITY.PROPERTY``; None for none.
    """
    given = [_labels_of(samples[index], properties) for index in range(len(samples))]
    names: set[str] = set()
    for labels in given:
        names |= labels.keys()
    return {name: np.array([labels.get(name, "") for labels in given]) for name in sorted(names)}


def _labels_of(sample: Sample, properties: str | None) -> Mapping[str, str]:
    found = sample.sources.get(properties) if properties else None
    if not isinstance(found, Mapping):
        return sample.labels
    labels = dict(sample.labels)
    for key, value in found.items():
        # a list or a table is no class that an item could have
        if not isinstance(value, list | tuple | Mapping):
            labels[f"{properties}.{key}"] = str(value)
    return labels
