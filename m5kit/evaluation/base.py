"""The contract of a metric: it asks for embeddings of splits and returns figures, each with its chance level.

Shape letters: b item, d width.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import DataError
from m5kit.evaluation.features import read_columns, write_columns
from m5kit.evaluation.functional.bootstrap import mean_interval
from m5kit.evaluation.request import SPACES, Change, Request

__all__ = ["SPACES", "Change", "Embedded", "Figure", "Metric", "Request", "Result", "labelled"]

LABEL_PREFIX = "label_"
"""What the names of label columns begin with in a features file."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """The embeddings of one request, with the names and labels of the items.

    Attributes:
        ids: ``b`` names, each once.
        vectors: ``b d`` float32, finite.
        labels: ``b`` strings by label name, ``""`` where an item has no such label.
        predictions: ``b`` class names by label name, what the model itself says; empty unless it was fine-tuned. Files
            do not keep them.
    """

    ids: NDArray[np.str_]
    vectors: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    predictions: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.asarray(self.ids, dtype=np.str_))
        object.__setattr__(self, "vectors", np.ascontiguousarray(self.vectors, dtype=np.float32))
        for name, strings in (("labels", self.labels), ("predictions", self.predictions)):
            object.__setattr__(self, name, {k: np.asarray(v, dtype=np.str_) for k, v in strings.items()})
        self._check()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """``b``: had the item any of the modalities that the request was for?"""
        return np.asarray(self.vectors.any(axis=1))

    def label(self, name: str) -> NDArray[np.str_]:
        """The label ``name`` of each item; ``"id"`` is the item itself, so that each item is a class of its own.

        Raises:
            DataError: no item has such a label.
        """
        if name == "id":
            return self.ids
        used = {k: v for k, v in self.labels.items() if (v != "").any()}
        if name not in used:
            raise DataError(
                f"none of the {len(self)} items has a label {name!r} (labels they have: {', '.join(used) or 'none'}); "
                f"set another label in the metric's config or add it to the manifest"
            )
        return used[name]

    def where(self, label: str, value: str) -> "Embedded":
        """The items whose ``label`` is ``value``."""
        return self.select(self.label(label) == value)

    def labelled(self, name: str) -> "Embedded":
        """The items that have the label ``name``."""
        has = self.label(name) != ""
        return self if has.all() else self.select(has)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Embedded":
        """The items at ``rows`` (a mask or positions)."""
        labels = {k: v[rows] for k, v in self.labels.items()}
        return Embedded(self.ids[rows], self.vectors[rows], labels, {k: v[rows] for k, v in self.predictions.items()})

    def save(self, path: Path) -> None:
        """Write ``id``, ``vector`` and one ``label_NAME`` for each label, as ``.npz`` or ``.parquet``."""
        labels = {LABEL_PREFIX + name: values for name, values in self.labels.items()}
        write_columns(path, {"id": self.ids, "vector": self.vectors, **labels})

    @classmethod
    def load(cls, path: Path) -> "Embedded":
        """Read what :meth:`save` wrote, or a file laid out like it; other columns are ignored.

        Raises:
            DataError: the file is no ``.npz`` or ``.parquet``, or lacks ``id`` or ``vector``.
        """
        columns = read_columns(path)
        missing = {"id", "vector"} - columns.keys()
        if missing:
            raise DataError(f"{path} has no column {' and no '.join(sorted(missing))} (it has {', '.join(columns)})")
        labels = {k.removeprefix(LABEL_PREFIX): v for k, v in columns.items() if k.startswith(LABEL_PREFIX)}
        return cls(columns["id"], columns["vector"], labels)

    def _check(self) -> None:
        count = len(self.ids)
        sizes = {"vectors": len(self.vectors), **{f"label {k!r}": len(v) for k, v in self.labels.items()}}
        sizes |= {f"prediction of {k!r}": len(v) for k, v in self.predictions.items()}
        uneven = [f"{name} has {size}" for name, size in sizes.items() if size != count]
        if uneven or self.vectors.ndim != 2:
            shape = self.vectors.shape
            raise DataError(f"{count} ids need vectors ({count}, d) and as many labels; {shape=} {'; '.join(uneven)}")
        if len(np.unique(self.ids)) != count:
            raise DataError(f"{count - len(np.unique(self.ids))} of {count} ids are repeated; give every item its own")
        if not np.isfinite(self.vectors).all():
            worst = self.ids[~np.isfinite(self.vectors).all(1)].tolist()
            raise DataError(
                f"{len(worst)} of {count} embeddings hold NaN or infinity, the first of them that of {worst[0]!r}; "
                f"the model diverged or the file is damaged"
            )


@dataclass(frozen=True, slots=True)
class Figure:
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
    def mean(cls, values: NDArray[np.float64], chance: float | None, seed: int) -> "Figure":
        """The mean of one value an item, with a bootstrap interval over the items.

        Example:
            >>> Figure.mean(np.ones(4), chance=0.5, seed=0)
            Figure(value=1.0, chance=0.5, low=1.0, high=1.0, count=4)
        """
        low, high = mean_interval(values, seed)
        return cls(float(values.mean()), chance, float(low), float(high), len(values))


def labelled(embedded: Mapping[Request, Embedded], request: Request, label: str) -> Embedded:
    """The items of ``request`` that have ``label``.

    Raises:
        DataError: none has; the message names the split.
    """
    try:
        return embedded[request].labelled(label)
    except DataError as error:
        raise DataError(f"split {request.split!r}: {error}") from error


Result = Mapping[str, Figure]
"""Figures by name, such as ``map_std@10``."""


class Metric(ABC):
    """One downstream task: what it needs embedded, and the figures that come of it.

    Constructors are keyword-only; everything in them comes from the config.
    """

    @abstractmethod
    def requests(self) -> tuple[Request, ...]:
        """The embeddings that :meth:`compute` will read."""

    @abstractmethod
    def compute(self, embedded: Mapping[Request, Embedded], seed: int) -> Result:
        """Score the embeddings; the same seed gives the same figures.

        Raises:
            DataError: a split has no item with the label that the metric needs.
        """
