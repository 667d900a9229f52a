"""Describes a manifest: combinations of modalities, class sizes, lengths, file sizes, and contents shared by splits."""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m5kit.data.files import UNBOUNDED, find_file
from m5kit.data.headers import measure
from m5kit.data.json_lines import PATHS
from m5kit.data.manifest import Manifest
from m5kit.data.manifest_rows import MODALITIES, SEVERAL
from m5kit.data.remote.place import as_place, local_folder
from m5kit.data.several import each_value
from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import DecodeError
from m5kit.structures import Sample

VALUES = "values"
"""The unit of how many values of a modality an item has."""

SHOWN = 10
"""Examples of contents that two splits share."""


@dataclass(frozen=True)
class Spread:
    """The distribution of one number, such as the width of pictures; ``values`` is ``n``."""

    modality: str
    unit: str
    values: NDArray[np.float64]

    @cached_property
    def summary(self) -> dict[str, float]:
        """How many, least, median, mean, 95th percentile and most."""
        least, median, high, most = np.percentile(self.values, [0, 50, 95, 100]).tolist()
        mean = float(self.values.mean())
        return {"count": len(self.values), "least": least, "median": median, "mean": mean, "p95": high, "most": most}


@dataclass(frozen=True, slots=True)
class Shared:
    """Contents of one modality that stand in two splits.

    Attributes:
        modality: whose.
        splits: the two.
        contents: how many.
        examples: pairs of ids, one of each split, at most 10.
    """

    modality: str
    splits: tuple[str, str]
    contents: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Stats:
    """What a manifest holds.

    Attributes:
        path: the manifest.
        modalities: what was counted.
        splits: items by split.
        presence: by split and modality, how many items have it.
        patterns: how many items have exactly these modalities, the most frequent first.
        labels: by label name, how many items each value has, the most frequent first.
        properties: how many tables have each property, the most frequent first.
        spreads: lengths and sizes.
        unreadable: by modality, files whose header cannot be read.
        shared: contents across splits; None if contents were not compared.
    """

    path: Path
    modalities: tuple[str, ...]
    splits: Mapping[str, int]
    presence: Mapping[str, Mapping[str, int]]
    patterns: Mapping[tuple[str, ...], int]
    labels: Mapping[str, Mapping[str, int]]
    properties: Mapping[str, int]
    spreads: tuple[Spread, ...]
    unreadable: Mapping[str, int]
    shared: tuple[Shared, ...] | None

    @property
    def items(self) -> int:
        """How many there are."""
        return sum(self.splits.values())


def describe(
    manifest: Path | str, *, media: bool = False, contents: bool = False, modalities: Sequence[str] = MODALITIES
) -> Stats:
    """Count what a manifest holds, in one pass.

    Args:
        manifest: the file, or its folder.
        media: also look at the size and the header of every file; nothing is decoded.
        contents: also compare the contents of every file, text and table between splits; every file is read.
        modalities: the keys to read as modalities.

    Raises:
        DataError: there is no manifest, or rows are wrong.
    """
    source = ManifestItems(root=local_folder(as_place(manifest)), columns=modalities)
    opened = Manifest.of(source)
    counts = _Counts(opened.root if media else None)
    digests = _Digests(opened.root) if contents else None
    for sample in opened:
        counts.add(sample)
        if digests is not None:
            digests.add(sample)
    labels = {name: dict(values.most_common()) for name, values in sorted(counts.labels.items())}
    return Stats(
        path=source.rows.path,
        modalities=tuple(modalities),
        splits=opened.split_sizes(),
        presence=counts.presence,
        patterns=dict(counts.patterns.most_common()),
        labels=labels,
        properties=dict(counts.properties.most_common()),
        spreads=tuple(counts.spreads()),
        unreadable=dict(counts.unreadable),
        shared=None if digests is None else tuple(digests.shared()),
    )


class _Counts:
    """What is counted while the items pass by once.

    Args:
        media: folder of the files whose headers are read; None to leave files alone.
    """

    def __init__(self, media: Path | None) -> None:
        self.media = media
        self.presence: dict[str, Counter[str]] = {}
        self.patterns: Counter[tuple[str, ...]] = Counter()
        self.labels: dict[str, Counter[str]] = {}
        self.properties: Counter[str] = Counter()
        self.numbers: dict[tuple[str, str], array[float]] = {}
        self.unreadable: Counter[str] = Counter()

    def add(self, sample: Sample) -> None:
        """Count one item."""
        self.presence.setdefault(sample.split, Counter()).update(sample.sources.keys())
        self.patterns[tuple(sample.sources)] += 1
        self.properties.update(list(sample.sources.get("table") or ()))
        for name, value in sample.labels.items():
            if value:  # an empty name is none: evaluation leaves the item out
                self.labels.setdefault(name, Counter())[value] += 1
        for modality, value in sample.sources.items():
            count = len(each_value(value)) if modality in SEVERAL else 1
            self.numbers.setdefault((modality, VALUES), array("d")).append(count)
        for modality, unit, number in _numbers(sample, self.media):
            if unit:
                # arrays of doubles: a list of a million floats takes eight times the memory
                self.numbers.setdefault((modality, unit), array("d")).append(number)
            else:
                self.unreadable[modality] += 1

    def spreads(self) -> Iterator[Spread]:
        """Of each number; how many values items have is told where some have several."""
        for (modality, unit), values in sorted(self.numbers.items()):
            if unit != VALUES or max(values) > 1:
                yield Spread(modality, unit, np.array(values))


def _numbers(sample: Sample, root: Path | None) -> Iterator[tuple[str, str, float]]:
    """Triples (modality, unit, number); without a unit where a file cannot be read."""
    for modality, several in sample.sources.items():
        for value in each_value(several):
            for unit, number in measure(modality, value, root).items():
                yield modality, unit, number


class _Digests:
    """A digest of 64 bits for each content, and whose it is: 16 bytes a content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ids: list[str] = []
        self._splits: list[int] = []
        self._names: dict[str, int] = {}
        self._found: dict[str, tuple[array[int], array[int]]] = {}

    def add(self, sample: Sample) -> None:
        """Remember the contents of one item; what cannot be read has none."""
        for modality, several in sample.sources.items():
            for digest in filter(None, (_digest(modality, value, self.root) for value in each_value(several))):
                digests, rows = self._found.setdefault(modality, (array("q"), array("q")))
                digests.append(digest)
                rows.append(len(self._ids))
        self._ids.append(sample.id)
        self._splits.append(self._names.setdefault(sample.split, len(self._names)))

    def shared(self) -> Iterator[Shared]:
        """What two splits share, modality by modality."""
        splits, names = np.array(self._splits), list(self._names)
        for modality, (digests, rows) in sorted(self._found.items()):
            pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
            for group in _groups(np.array(digests), np.array(rows)):
                first = {names[splits[row]]: self._ids[row] for row in group[::-1]}
                for one, other in combinations(sorted(first), 2):
                    pairs.setdefault((one, other), []).append((first[one], first[other]))
            for both, examples in sorted(pairs.items()):
                yield Shared(modality, both, len(examples), tuple(examples[:SHOWN]))


def _groups(digests: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[list[int]]:
    """The rows of each digest that comes more than once."""
    order = np.argsort(digests, kind="stable")
    edges = np.flatnonzero(np.diff(digests[order])) + 1
    for group in np.split(rows[order], edges):
        if len(group) > 1:
            yield group.tolist()


def _digest(modality: str, value: Any, root: Path) -> int | None:
    digest = blake2b(digest_size=8)
    if modality in PATHS:
        try:
            with find_file(value, root, UNBOUNDED).open("rb") as file:
                while block := file.read(2**20):
                    digest.update(block)
        except (OSError, DecodeError):
            return None  # validate is what names files that are not there, or may not be read
    else:
        text = " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        digest.update(text.encode())
    return int.from_bytes(digest.digest(), "big", signed=True)
