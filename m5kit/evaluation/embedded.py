"""The embeddings that a metric reads: vectors of items, with their names and labels.

Shape letters: b item, d width.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.errors import DataError
from m5kit.evaluation.features import read_columns, write_columns
from m5kit.evaluation.precision import Precision, decode, encode
from m5kit.evaluation.request import Request
from m5kit.signatures import listed

LABEL_PREFIX = "label_"
"""What the names of label columns begin with in a features file."""

BITS_COLUMN = "bits"
"""What the vectors are called in a features file that holds their signs, 8 in a byte."""


@dataclass(frozen=True, eq=False)
class Embedded:
    """The embeddings of one request, with the names and labels of the items.

    Attributes:
        ids: ``b`` names, each once.
        vectors: ``b d`` float32, finite.
        labels: ``b`` strings by label name, ``""`` where an item has no such label.
        predictions: ``b`` class names by label name, predicted by the model; empty unless it was fine-tuned. They are
            not written to files.
        precision: of the numbers in a file; the vectors here hold what is left of them.
    """

    ids: NDArray[np.str_]
    vectors: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    predictions: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.asarray(self.ids, dtype=np.str_))
        object.__setattr__(self, "vectors", np.ascontiguousarray(self.vectors, dtype=np.float32))
        object.__setattr__(self, "labels", _as_strings(self.labels))
        object.__setattr__(self, "predictions", _as_strings(self.predictions))
        self._check()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """``b``: whether the item had any of the requested modalities; otherwise its vector is zero."""
        return np.asarray(self.vectors.any(axis=1))

    def label(self, name: str) -> NDArray[np.str_]:
        """The label ``name`` of each item; with ``"id"`` every item is a class of its own.

        Raises:
            DataError: no item has such a label.
        """
        if name == "id":
            return self.ids
        used = {key: values for key, values in self.labels.items() if (values != "").any()}
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
        labels = {name: values[rows] for name, values in self.labels.items()}
        predictions = {name: values[rows] for name, values in self.predictions.items()}
        return Embedded(self.ids[rows], self.vectors[rows], labels, predictions, self.precision)

    def save(self, path: Path) -> None:
        """Write ``id``, ``vector`` and one ``label_NAME`` for each label, as ``.npz`` or ``.parquet``.

        Vectors of signs are called ``bits``.
        """
        labels = {LABEL_PREFIX + name: values for name, values in self.labels.items()}
        name = BITS_COLUMN if self.precision == "binary" else "vector"
        write_columns(path, {"id": self.ids, name: encode(self.vectors, self.precision), **labels})

    @classmethod
    def load(cls, path: Path) -> "Embedded":
        """Read what :meth:`save` wrote, or a file with the same columns; other columns are ignored.

        Raises:
            DataError: the file is not ``.npz`` or ``.parquet``, lacks ``id`` or ``vector``, or holds vectors of
                anything but real numbers.
        """
        columns = dict(read_columns(path))
        if BITS_COLUMN in columns:
            columns["vector"] = decode(columns.pop(BITS_COLUMN))
        missing = {"id", "vector"} - columns.keys()
        if missing:
            raise DataError(f"{path} has no column {' and no '.join(sorted(missing))} (it has {listed(list(columns))})")
        labels = {}
        for name, values in columns.items():
            # a file from elsewhere may have any other columns
            if name.startswith(LABEL_PREFIX):
                labels[name.removeprefix(LABEL_PREFIX)] = _without_gaps(values)
        vectors = columns["vector"]
        if vectors.dtype.kind not in "fiub":  # of complex numbers a half would be lost, and texts are no vectors
            raise DataError(f"{path}: expected vectors of real numbers, and the column holds {vectors.dtype}")
        return cls(columns["id"], decode(vectors) if vectors.dtype == np.int8 else vectors, labels)

    def _check(self) -> None:
        """Refuse what would give wrong values without an error: uneven columns, repeated ids, NaN."""
        count = self.ids.size
        uneven = [f"{name} {_shown(shape)}" for name, shape in self._shapes() if shape != (count,)]
        if uneven or self.vectors.ndim != 2:
            shape = self.vectors.shape
            raise DataError(f"{count} ids need vectors ({count}, d) and as many labels; {shape=} {'; '.join(uneven)}")
        if count and not self.vectors.shape[1]:
            raise DataError(f"the vectors of all {count} items have no numbers; give each item a vector")
        # retrieval finds an item by its id, so a repeated one would be its own false neighbour
        if len(np.unique(self.ids)) != count:
            raise DataError(f"{count - len(np.unique(self.ids))} of {count} ids are repeated; give every item its own")
        if not np.isfinite(self.vectors).all():
            worst = self.ids[~np.isfinite(self.vectors).all(1)].tolist()
            raise DataError(
                f"{len(worst)} of {count} embeddings hold NaN or infinity, the first of them that of {worst[0]!r}; "
                f"the model diverged or the file is damaged"
            )

    def _shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """What shape each column has that has one entry an item, for messages."""
        yield "the column of ids", self.ids.shape
        yield "vectors", self.vectors.shape[:1]
        for name, values in self.labels.items():
            yield f"label {name!r}", values.shape
        for name, values in self.predictions.items():
            yield f"prediction of {name!r}", values.shape


def labelled(embedded: Mapping[Request, Embedded], request: Request, label: str) -> Embedded:
    """The items of ``request`` that have ``label``.

    Raises:
        DataError: no item has it; the message names the split.
    """
    try:
        return embedded[request].labelled(label)
    except DataError as error:
        raise DataError(f"split {request.split!r}: {error}") from error


def _as_strings(columns: Mapping[str, NDArray[np.str_]]) -> dict[str, NDArray[np.str_]]:
    """Columns as arrays of text; an empty array would otherwise hold floats."""
    return {name: np.asarray(values, dtype=np.str_) for name, values in columns.items()}


def _without_gaps(values: NDArray[Any]) -> NDArray[Any]:
    """A column of labels, with an empty text for what is no number or no date: tables mark missing values so."""
    if values.dtype.kind not in "fmM":
        return values
    missing = np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)
    return np.where(missing, "", values.astype(np.str_))


def _shown(shape: tuple[int, ...]) -> str:
    return f"has {shape[0]}" if len(shape) == 1 else f"has shape {shape}"
