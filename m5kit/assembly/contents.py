"""What the items of a run hold: modalities, splits and labels, as far as a look at many of them tells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from m5kit.assembly.sources import open_dataset
from m5kit.config import RunConfig
from m5kit.data.manifest import Manifest
from m5kit.structures import Sample

MOST = 50_000
"""How many items are looked at: what none of so many has is too rare to be learned."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a dataset has for a run.

    Attributes:
        looked_at: how many training items were looked at.
        modalities: those of the run's inputs that some training item has.
        splits: number of items by name.
        labels: every label met among the items that are not trained on, or among all where there are no others.
        shared: those of them whose classes have several items; first the label with the most such items.
    """

    looked_at: int
    modalities: frozenset[str]
    splits: Mapping[str, int]
    labels: frozenset[str]
    shared: tuple[str, ...]


def read_contents(config: RunConfig) -> Contents:
    """Look at the items of a run.

    Raises:
        ConfigError: the config names no folder.
        DataError: the items cannot be found, some are invalid, or a training split is empty.
    """
    columns = {modality: _columns(modality, settings) for modality, settings in config.inputs.items()}
    wanted = tuple(dict.fromkeys(chain.from_iterable(columns.values())))
    every = Manifest.of(open_dataset(config, wanted))
    training = _spread(every.select(*config.data.train))
    splits = every.split_sizes()
    others = [split for split in splits if split not in config.data.train]
    counts = _class_counts(_spread(every.select(*others)) if others else training)
    return Contents(len(training), _present(training, columns), splits, frozenset(counts), tuple(_by_use(counts)))


def shared_labels(items: Iterable[Sample]) -> list[str]:
    """Labels of several classes in which items have company; first that of the most such items, then by name."""
    return _by_use(_class_counts(items))


def _columns(modality: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the manifest that an input reads, any of which is enough."""
    joined = settings.get("join")
    return tuple(joined) if joined else tuple(filter(None, (modality, settings.get("source"))))


def _spread(items: Manifest) -> Manifest:
    """The items, or many of them spread evenly: splits and classes often follow one another in a file."""
    if len(items) <= MOST:
        return items
    return items.take(np.unique(np.linspace(0, len(items) - 1, MOST).round().astype(np.int64)))


def _present(items: Iterable[Sample], columns: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The modalities that an item has; as a rule the first few items have them all."""
    unseen, found = dict(columns), set()
    for sample in items:
        for modality in [each for each, names in unseen.items() if not sample.sources.keys().isdisjoint(names)]:
            found.add(modality)
            del unseen[modality]
        if not unseen:
            break
    return frozenset(found)


def _class_counts(items: Iterable[Sample]) -> dict[str, dict[str, int]]:
    """Items by label and class."""
    counts: dict[str, dict[str, int]] = {}
    for item in items:
        for label, value in item.labels.items():
            classes = counts.setdefault(label, {})
            classes[value] = classes.get(value, 0) + 1
    return counts


def _by_use(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Labels by the number of items that share their class, without those that tell nothing apart."""
    shared = {}
    for label in sorted(counts):
        several = [count for count in counts[label].values() if count > 1]
        if len(counts[label]) > 1 and several:
            shared[label] = sum(several)
    return sorted(shared, key=lambda label: -shared[label])
