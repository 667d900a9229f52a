"""How many tokens a model makes of each item, from a few items that are read and the bytes of all the others."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from m5kit.assembly.data import RunData
from m5kit.data.limits import time_limit
from m5kit.data.value_bytes import file_bytes
from m5kit.errors import DecodeError
from m5kit.models.base import Model
from m5kit.structures import Inputs

PROBED = 64
"""Items whose files are read, for each modality."""
COUNTED = 20_000
"""Items whose values are read where these stand in the manifest itself, as texts do."""
TOGETHER = 8
"""Inputs that an encoder is shown at a time."""

Sizes = NDArray[np.int64]


def item_sizes(data: RunData, model: Model) -> Sizes:
    """Tokens ``n`` of each training item, over the modalities that it has, summary tokens included.

    A modality of which all items that were read have the same number of tokens counts with that number. Otherwise
    values that stand in the manifest are counted one by one up to :data:`COUNTED` items. Beyond, and for files, the
    count of an item follows from its bytes: from the monotone line through items of all sizes that were read.
    Augmentation and modality dropout are left out, and of several values of a modality the largest counts.

    Args:
        data: of the run; its transforms are fitted.
        model: of the run.
    """
    total = np.zeros(len(data.training_items), dtype=np.int64)
    for modality, column in _presence(data).items():
        rows = np.flatnonzero(column)
        reader = _Reader(data, model, modality)
        total[rows] += reader.tokens(rows)
        if data.config.data.missing == "zero":  # what is absent is read as a blank
            total[~column] += reader.blank()
    return total


def _presence(data: RunData) -> dict[str, NDArray[np.bool_]]:
    """By modality, which of the training items have it."""
    items = data.training_items
    found = {m: np.zeros(len(items), dtype=np.bool_) for m in sorted(data.pipelines)}
    for index in range(len(items)):
        sample = items[index]
        for m, column in found.items():
            column[index] = data.pipelines[m].reference(sample, m) is not None
    return found


class _Reader:
    """Counts the tokens of one modality.

    Args:
        data: of the run.
        model: of the run.
        modality: its name.
    """

    def __init__(self, data: RunData, model: Model, modality: str) -> None:
        self.data, self.modality = data, modality
        self.pipeline = data.reading[modality]
        self.encoder = model.backbone.encoders[modality]
        self.device = model.backbone.device

    def tokens(self, rows: Sizes) -> Sizes:
        """Tokens of the items ``rows``; an item that cannot be read has none."""
        if not len(rows):
            return rows
        first = self._count(rows[_spread(len(rows), PROBED)])
        if len(set(first.tolist()) - {0}) < 2:
            return np.full(len(rows), first.max())
        sizes = np.array([self._bytes(row) for row in rows])
        # a negative size is that of a value in the manifest, which is read in no time
        most = COUNTED if sizes[0] < 0 else PROBED
        if len(rows) <= most:
            return self._count(rows)
        return self._estimated(rows, np.abs(sizes), most)

    def blank(self) -> int:
        """Tokens of what stands for an absent value."""
        return int(self._encoded([self.pipeline.transform.blank()])[0])

    def _estimated(self, rows: Sizes, sizes: Sizes, most: int) -> Sizes:
        """From the counts of items of all sizes, the smallest and the largest among them."""
        from scipy.optimize import isotonic_regression  # scipy's optimizers take 0.3 s to import

        chosen = sizes.argsort(kind="stable")[_spread(len(rows), most)]
        counts = self._count(rows[chosen])
        chosen, counts = chosen[counts > 0], counts[counts > 0]
        line = isotonic_regression(counts).x
        tokens: Sizes = np.ceil(np.interp(sizes, sizes[chosen], line)).astype(np.int64)
        return tokens

    def _count(self, rows: Sizes) -> Sizes:
        """Tokens of items that are read; 0 where that fails. How many there are depends on the length alone."""
        lengths = np.zeros(len(rows), dtype=np.int64)
        of_length: dict[int, Inputs] = {}
        for place, row in enumerate(rows.tolist()):
            inputs = self._read(row)
            if inputs is not None:
                lengths[place] = int(inputs.lengths)
                of_length.setdefault(int(inputs.lengths), inputs)
        if not of_length:
            return lengths
        # with the shortest and the longest, so that nothing lies beyond
        shown = sorted(of_length)
        shown = [shown[place] for place in _spread(len(shown), PROBED)]
        counts = self._encoded([of_length[length] for length in shown])
        tokens: Sizes = np.ceil(np.interp(lengths, shown, counts)).astype(np.int64)
        tokens[lengths == 0] = 0
        return tokens

    @torch.no_grad()
    def _encoded(self, inputs: Sequence[Inputs]) -> list[int]:
        """Tokens that the encoder makes of each, with the summary."""
        counts: list[int] = []
        for first in range(0, len(inputs), TOGETHER):
            observed = self.encoder.observe(Inputs.stack(inputs[first : first + TOGETHER]).to(self.device))
            counts += ((getattr(observed, "inner", None) or observed).lengths + 1).tolist()
        return counts

    def _values(self, row: int) -> tuple[Any, ...]:
        sample = self.data.training_items[row]
        return self.pipeline.values(self.pipeline.reference(sample, self.modality))

    def _read(self, row: int) -> Inputs | None:
        """The inputs of an item's largest value that can be read."""
        found = []
        for value in self._values(row):
            try:
                with time_limit(self.data.config.data.item_seconds):
                    found.append(self.pipeline.prepare(value, self.data.root))
            except DecodeError:
                continue  # training reads it too, and counts the failure
        return max(found, key=lambda inputs: int(inputs.lengths), default=None)

    def _bytes(self, row: int) -> int:
        """Bytes of an item's largest value, negative for one that is in the manifest itself."""
        files = [file_bytes(value, self.data.root) for value in self._values(row)]
        there = [size for size in files if size is not None]
        if there:
            return max(there)
        return -max(len(json.dumps(value, ensure_ascii=False).encode()) for value in self._values(row))


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """At most so many places of ``count``, evenly, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
