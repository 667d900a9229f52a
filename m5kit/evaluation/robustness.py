"""Robustness: how do the values of a metric fall when its items are corrupted?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Corruption, Embedded, Metric, MetricValue, Request, Result
from m5kit.ranges import Amount
from m5kit.registry import METRICS


@METRICS.register_module("robustness")
class Robustness(Metric):
    """Run another metric once for each strength of a corruption.

    The corrupted items depend on the seed and the item, so a larger strength corrupts the items of a smaller one and
    more. Values are named ``VALUE|KIND=STRENGTH``, as in ``map_std@10|missing=0.25``. ``VALUE|KIND|relative`` is the
    mean, over the strengths above 0, of the corrupted value divided by the clean one: 1 means that nothing was lost. It
    compares runs with different clean values.

    Source: relative robustness as in Schiappa et al., Robustness Analysis of Video-Language Models (2022).

    Args:
        task: the config of another metric.
        damaged: the splits whose items are corrupted, such as the test items or the queries; the others stay clean.
        kind: ``"missing"``, ``"noise"`` or ``"mismatch"``, see :class:`~m5kit.evaluation.request.Corruption`.
        modality: what is corrupted; None for every modality, each independently.
        strengths: in any order; 0, the clean items, is always added.
        figures: names of the metric's values to return; None for all.

    Raises:
        ConfigError: the metric does not use a corrupted split, or an argument has another value than those above.
    """

    def __init__(
        self,
        *,
        task: Mapping[str, Any],
        damaged: Sequence[str],
        kind: str,
        modality: str | None = None,
        strengths: Sequence[Amount] = (0.0, 0.25, 0.5, 0.75, 1.0),
        figures: Sequence[str] | None = None,
    ) -> None:
        if kind == "withheld":
            raise ConfigError(["kind: expected 'missing', 'noise' or 'mismatch', got 'withheld'"])
        self.inner: Metric = METRICS.build(task)
        self.kind, self.wanted = kind, figures
        self.corruptions: dict[float, Corruption | None] = {0.0: None}
        for strength in sorted(map(float, strengths)):
            # a strength below 0 is left to Corruption, which refuses it
            self.corruptions[strength] = Corruption(kind, modality, strength) if strength else None
        self.corrupted = {damaged} if isinstance(damaged, str) else set(damaged)
        used = {request.split for request in self.inner.requests()}
        unknown = sorted(self.corrupted - used)
        if unknown or not self.corrupted:
            there = ", ".join(sorted(used))
            raise ConfigError([f"damaged: the metric uses the splits {there}, got {', '.join(unknown) or 'none'}"])

    @classmethod
    def example(cls) -> dict[str, Any]:
        """A search in which some queries lose their modalities."""
        task = {"type": "retrieval", "query": "query", "gallery": "gallery", "label": "coarse"}
        return {"task": task, "damaged": ["query"], "kind": "missing"}

    def requests(self) -> tuple[Request, ...]:
        """The metric's requests, clean and once for each strength."""
        asked: dict[Request, None] = {}  # a set that keeps the order
        for corruption in self.corruptions.values():
            for request in self.inner.requests():
                asked[self._corrupt(request, corruption)] = None
        return tuple(asked)

    def value_names(self) -> list[str] | None:
        """As of :meth:`compute`, if the task tells its own."""
        own = self.inner.value_names()
        if own is None:
            return None
        names = []
        for name in own:
            if self.wanted is None or name in self.wanted:
                names += [f"{name}|{self.kind}={strength:g}" for strength in self.corruptions]
                names.append(f"{name}|{self.kind}|relative")
        return names

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """The metric's values at every strength, then relative ones.

        Raises:
            DataError: as the metric does.
        """
        tables: dict[float, Result] = {}
        for strength, corruption in self.corruptions.items():
            tables[strength] = self._table(corruption, embedded, seed)
        result: dict[str, MetricValue] = {}
        relative: dict[str, MetricValue] = {}
        for name in tables[0.0]:  # the clean table decides which values there are
            if self.wanted is not None and name not in self.wanted:
                continue
            curve = []
            for strength, table in tables.items():
                if name in table:  # a corrupted split may lack what the value is about
                    result[f"{name}|{self.kind}={strength:g}"] = table[name]
                    curve.append(table[name])
            left = _relative(curve)
            if left is not None:
                relative[f"{name}|{self.kind}|relative"] = left
        return result | relative

    def _table(self, corruption: Corruption | None, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """The metric's values with one corruption, under the names of the clean ones."""
        found = {request: embedded[self._corrupt(request, corruption)] for request in self.inner.requests()}
        return self.inner.compute(found, seed)

    def _corrupt(self, request: Request, corruption: Corruption | None) -> Request:
        """The request with the corruption, if it is for a corrupted split."""
        return replace(request, corruption=corruption) if request.split in self.corrupted else request


def _relative(curve: Sequence[MetricValue]) -> MetricValue | None:
    """The mean of the other values over the first one; None if the first one is not positive."""
    clean, *others = curve
    if not others or clean.value <= 0:
        return None
    # Its chance is that of the corrupted items over the clean value, as the value itself is relative to that.
    chances = [each.chance for each in others if each.chance is not None]
    chance = float(np.mean(chances)) / clean.value if chances else None
    return MetricValue(float(np.mean([each.value for each in others])) / clean.value, chance, None, None, clean.count)
