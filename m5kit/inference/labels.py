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
    by_item: list[Mapping[str, str]] = []
    names: set[str] = set()
    for index in range(len(samples)):  # read once each: a dataset may open a file for every item
        labels = _labels_of(samples[index], properties)
        by_item.append(labels)
        names |= labels.keys()
    columns = {}
    for name in sorted(names):
        columns[name] = np.array([labels.get(name, "") for labels in by_item])
    return columns


def _labels_of(sample: Sample, properties: str | None) -> Mapping[str, str]:
    """The labels of one item and, if asked for, its properties as labels."""
    found = sample.sources.get(properties) if properties else None
    if not isinstance(found, Mapping):
        return sample.labels
    labels = dict(sample.labels)
    for key, value in found.items():
        # a class is one plain value, so lists and tables are passed over
        if not isinstance(value, list | tuple | Mapping):
            labels[f"{properties}.{key}"] = str(value)
    return labels
