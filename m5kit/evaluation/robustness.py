"""Robustness: how do the figures of a task change as its items are damaged more and more?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from m5kit.errors import ConfigError
from m5kit.evaluation.base import Change, Embedded, Figure, Metric, Request, Result
from m5kit.registry import METRICS


@METRICS.register_module("robustness")
class Robustness(Metric):
    """Run another task once for each strength of a damage, done to the items of some splits before they are embedded.

    What is damaged follows from seed and item, so that of two strengths the larger damages more of the same. Figures
    are named ``FIGURE|KIND=STRENGTH``, as in ``map_std@10|missing=0.25``. ``FIGURE|KIND|relative`` is the mean over the
    strengths above 0 of the damaged figure over the clean one: 1 means that nothing was lost; it compares runs whose
    clean figures differ.

    Source: relative robustness as in Schiappa et al., Robustness Analysis of Video-Language Models (2022).

    Args:
        task: the config of another metric.
        damaged: the splits whose items are damaged: the test items, or the queries; the others stay clean.
        kind: ``"missing"``, ``"noise"`` or ``"mismatch"``, see :class:`~m5kit.evaluation.request.Change`.
        modality: what is damaged; None for every modality, each by itself.
        strengths: from weak to strong; 0, the clean task, is always among them.
        figures: those of the task that are wanted; None for all.

    Raises:
        ConfigError: the task asks for nothing from the damaged splits, or a value is not among those above.
    """

    def __init__(
        self,
        *,
        task: Mapping[str, Any],
        damaged: Sequence[str],
        kind: str,
        modality: str | None = None,
        strengths: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
        figures: Sequence[str] | None = None,
    ) -> None:
        if kind == "withheld":
            raise ConfigError(["kind: expected 'missing', 'noise' or 'mismatch', got 'withheld'"])
        self.inner: Metric = METRICS.build(task)
        self.kind, self.figures = kind, figures
        self.changes = {s: Change(kind, modality, s) if s else None for s in sorted({0.0, *map(float, strengths)})}
        self.damaged = {damaged} if isinstance(damaged, str) else set(damaged)
        unknown = sorted(self.damaged - {request.split for request in self.inner.requests()})
        if unknown or not self.damaged:
            there = ", ".join(sorted({request.split for request in self.inner.requests()}))
            raise ConfigError([f"damaged: the task uses the splits {there}, got {', '.join(unknown) or 'none'}"])

    @classmethod
    def example(cls) -> dict[str, Any]:
        """A search with some queries without their modalities."""
        task = {"type": "retrieval", "query": "query", "gallery": "gallery", "label": "coarse"}
        return {"task": task, "damaged": ["query"], "kind": "missing"}

    def requests(self) -> tuple[Request, ...]:
        """Those of the task, clean and once for each strength."""
        return tuple(dict.fromkeys(self._damage(r, c) for c in self.changes.values() for r in self.inner.requests()))

    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """The task's figures at every strength, then relative ones.

        Raises:
            DataError: as the task does.
        """
        tables = {strength: self._table(change, embedded, seed) for strength, change in self.changes.items()}
        names = [name for name in tables[0.0] if self.figures is None or name in self.figures]
        curves = {f"{n}|{self.kind}={s:g}": t[n] for n in names for s, t in tables.items() if n in t}
        relative = {f"{n}|{self.kind}|relative": _relative([t[n] for t in tables.values() if n in t]) for n in names}
        return curves | {name: figure for name, figure in relative.items() if figure is not None}

    def _table(self, change: Change | None, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        return self.inner.compute({r: embedded[self._damage(r, change)] for r in self.inner.requests()}, seed)

    def _damage(self, request: Request, change: Change | None) -> Request:
        return replace(request, change=change) if request.split in self.damaged else request


def _relative(curve: Sequence[Figure]) -> Figure | None:
    """What is left of the first figure in the mean of the others; None if there was nothing."""
    clean, *others = curve
    if not others or clean.value <= 0:
        return None
    chances = [figure.chance for figure in others if figure.chance is not None]
    chance = float(np.mean(chances)) / clean.value if chances else None
    return Figure(float(np.mean([f.value for f in others])) / clean.value, chance, None, None, clean.count)
