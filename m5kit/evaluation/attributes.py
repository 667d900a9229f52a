"""Attribute prediction: can a property of an item be read off an embedding that was made without it?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from m5kit.errors import ConfigError, DataError
from m5kit.evaluation.base import Corruption, Embedded, Metric, Request, Result
from m5kit.evaluation.functional.classification import commonest, linear_probe
from m5kit.evaluation.values import average, classification_values
from m5kit.ranges import Amount, Natural
from m5kit.registry import METRICS


@METRICS.register_module("attributes")
class Attributes(Metric):
    """A linear probe for each property, fitted on frozen embeddings of items without that property.

    By default the whole modality that holds the properties is hidden from the model, in training and in test items, so
    that one embedding serves all of them. With ``withhold: property`` only the predicted property is removed, and each
    property costs an embedding of both splits. Other modalities may still reveal it; that is what is measured. The
    chance level is the accuracy of always answering the commonest training value.

    Args:
        train: split that the probes are fitted on.
        test: split that they are scored on.
        source: the modality that holds properties and values.
        modalities: what the model may see; by default all of the run. ``source``, or its property, is always hidden.
        properties: which to predict; None for all that are classes (with ``withhold: property`` they must be named).
        withhold: ``"modality"`` or ``"property"``.
        least_items: the fewest test items, and the fewest training items, with a property that is predicted.
        most_values: properties with more distinct training values, or fewer than two training items per value, count as
            measures, not classes, and are skipped.
        strength: inverse L2 penalty of the probes.
        space: ``"item"``, a modality, ``"fused"`` or ``"contrastive"``, see :class:`~m5kit.evaluation.base.Request`.

    Raises:
        ConfigError: no modality is left, or ``withhold`` is ``"property"`` and no property is named.
    """

    needs_modalities = True

    def __init__(
        self,
        *,
        train: str,
        test: str,
        source: str,
        modalities: Sequence[str],
        properties: Sequence[str] | None = None,
        withhold: str = "modality",
        least_items: Natural = 10,
        most_values: Natural = 20,
        strength: Amount = 1.0,
        space: str = "item",
    ) -> None:
        if withhold not in ("modality", "property"):
            raise ConfigError([f"withhold: expected 'modality' or 'property', got {withhold!r}"])
        if withhold == "property" and not properties:
            raise ConfigError(["properties: expected those to withhold, one embedding is made for each"])
        hidden = {source} if withhold == "modality" else set()
        seen = tuple(sorted(set(modalities) - hidden))
        if not seen:
            raise ConfigError([f"modalities: nothing is left to see once {source!r} is hidden"])
        self.source, self.properties = source, properties
        self.least_items, self.most_values, self.strength = least_items, most_values, strength
        self.splits = [Request(split, seen, space, None, source) for split in (train, test)]
        self.withheld: dict[str, Corruption] = {}
        if withhold == "property":
            for key in properties or ():
                self.withheld[key] = Corruption("withheld", source, key=key)

    @classmethod
    def example(cls) -> dict[str, object]:
        """The made-up property of the conformance kit, in one of two modalities."""
        return {"modalities": ("a", "b"), "source": "a", "properties": ("coarse",)}

    def requests(self) -> tuple[Request, ...]:
        """Train and test, once, or once for each property."""
        if not self.withheld:
            return tuple(self.splits)
        asked = []
        for corruption in self.withheld.values():
            asked += [replace(request, corruption=corruption) for request in self.splits]
        return tuple(asked)

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """``accuracy|PROPERTY`` and ``balanced_accuracy|PROPERTY``, and the means over properties under ``|mean``.

        Raises:
            DataError: no property has enough items.
        """
        tables: dict[str, Result] = {}
        for name in self._names(embedded):
            table = self._table(name, embedded, seed)
            if table:
                tables[name] = table
        if not tables:
            raise DataError(
                f"no property of {self.source!r} has {self.least_items} items in {self.splits[0].split!r} and in "
                f"{self.splits[1].split!r} and 2 to {self.most_values} values"
            )
        scores = list(next(iter(tables.values())))
        result = {}
        for score in scores:  # the means come first, as reports show the first values
            result[f"{score}|mean"] = average([table[score] for table in tables.values()])
        for name, table in tables.items():
            for score in scores:
                result[f"{score}|{name}"] = table[score]
        return result

    def _names(self, embedded: Mapping[Request, Embedded]) -> list[str]:
        """The properties to try: those of the config, or all that an item of the first split has."""
        if self.properties is not None:
            return list(self.properties)
        prefix = f"{self.source}."
        labels = embedded[self.requests()[0]].labels
        return [name.removeprefix(prefix) for name in labels if name.startswith(prefix)]

    def _table(self, name: str, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Values of one property; none if too few items have it."""
        parts = [embedded[replace(request, corruption=self.withheld.get(name))] for request in self.splits]
        key = f"{self.source}.{name}"
        train, test = parts
        if key not in train.labels or key not in test.labels:
            return {}
        train, test = train.select(train.labels[key] != ""), test.select(test.labels[key] != "")
        values = train.labels[key]
        # at least two items a value: a number that differs from item to item is a measure, not a class
        few = min(len(train), len(test)) < self.least_items
        if few or not 2 <= len(np.unique(values)) <= min(self.most_values, len(values) // 2):
            return {}
        predicted = linear_probe(train.vectors, values, test.vectors, strength=self.strength, seed=seed)
        return classification_values(test.labels[key], predicted, guess=commonest(values), seed=seed)
