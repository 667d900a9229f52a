"""The items of a dataset: which there are, which split they belong to, which classes their labels name."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.classes import CLASSES
from m5kit.data.manifest_rows import MODALITIES
from m5kit.data.sources.base import Dataset
from m5kit.data.sources.manifest import ManifestItems
from m5kit.errors import DataError
from m5kit.structures import Sample


class Manifest:
    """Samples by number, read when asked for: the items of a dataset, or some of them.

    Args:
        dataset: has the items.
        splits: names of the splits.
        codes: which of ``splits`` each chosen item belongs to.
        chosen: the items that count, in order.
        alter: what happens to a sample when it is read.
    """

    def __init__(
        self,
        dataset: Dataset,
        splits: Sequence[str],
        codes: np.ndarray,
        chosen: np.ndarray,
        alter: Callable[[Sample], Sample] | None = None,
    ) -> None:
        self.dataset = dataset
        self.splits = tuple(splits)
        self.codes = codes
        self.chosen = chosen
        self.alter = alter
        self._labels: dict[str, list[str | None]] = {}

    @classmethod
    def of(cls, dataset: Dataset) -> "Manifest":
        """Every item of a dataset."""
        names = dataset.splits()
        # One small number an item in place of a name: with millions of items a list of texts takes gigabytes.
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        codes = np.fromiter((numbers[name] for name in names), np.int32, len(names))
        return cls(dataset, tuple(numbers), codes, np.arange(len(names)))

    @property
    def root(self) -> Path:
        """The folder that paths are relative to."""
        return self.dataset.root

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Sample:
        sample = self.dataset[int(self.chosen[index])]
        return sample if self.alter is None else self.alter(sample)

    def __iter__(self) -> Iterator[Sample]:
        for index in range(len(self)):
            yield self[index]

    def ids(self) -> list[str]:
        """The names of the items, in order."""
        every = self.dataset.ids()
        return [every[number] for number in self.chosen]

    def label_values(self, label: str) -> list[str | None]:
        """What the items say for a label, in order; read once, since classes, counts and balance all ask for it."""
        if label not in self._labels:
            every = self.dataset.label_values(label)
            self._labels[label] = [every[number] for number in self.chosen.tolist()]
        return self._labels[label]

    def blocks(self) -> list[int]:
        """How many of the chosen items each shard holds, those with none left out."""
        ends = np.cumsum(self.dataset.blocks())
        counts = np.bincount(ends.searchsorted(self.chosen, side="right"))
        return [count for count in counts.tolist() if count]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_labels": {}}  # a worker finds the labels in its items

    def split_sizes(self) -> dict[str, int]:
        """How many items each split has."""
        counts = np.bincount(self.codes, minlength=len(self.splits)).tolist()
        # after a selection some splits have nobody left
        return {split: count for split, count in sorted(zip(self.splits, counts, strict=True)) if count}

    def select(self, *splits: str) -> "Manifest":
        """The items of these splits.

        Raises:
            DataError: nobody belongs to one of them.
        """
        sizes = self.split_sizes()
        empty = [split for split in splits if split not in sizes]
        if empty:
            there = ", ".join(f"{split or '(none)'} ({size})" for split, size in sizes.items())
            remedy = "set data.train, data.val or the metric's split to one of these"
            if "" in sizes:  # items without a split
                remedy = "m5kit data import draws splits with --split-by train=0.8,test=0.2"
            raise DataError(f"{self.dataset} has no item in split {' or '.join(empty)}; it has {there}; {remedy}")
        return self.take(np.isin(self.codes, list(map(self.splits.index, splits))))

    def take(self, wanted: np.ndarray) -> "Manifest":
        """The items where ``wanted`` is True."""
        return Manifest(self.dataset, self.splits, self.codes[wanted], self.chosen[wanted], self.alter)

    def altered(self, alter: Callable[[Sample], Sample]) -> "Manifest":
        """The same items, each changed when it is read."""
        return Manifest(self.dataset, self.splits, self.codes, self.chosen, alter)


def read_manifest(root: Path | str, name: str | None = None, modalities: Sequence[str] = MODALITIES) -> Manifest:
    """Read ``annotations.jsonl``, ``.parquet`` or ``.arrow`` in ``root``, or the file ``root``.

    Args:
        root: folder of the manifest; the paths in it are relative to this folder.
        name: the manifest's file name, if it is another or if there are both.
        modalities: the keys to read as modalities.

    Raises:
        DataError: the file is missing, or rows are wrong; every wrong row is named. Media files are not looked at.
    """
    return Manifest.of(ManifestItems(root=Path(root), columns=modalities, manifest=name))


def label_classes(samples: Manifest | Sequence[Sample], label: str, order: Sequence[str] = ()) -> dict[str, int]:
    """Class numbers of a label's values; ask the training split, so that no test class leaks in.

    Args:
        samples: to learn from.
        label: its name.
        order: all classes in the order of their numbers; without it the values that occur, sorted.

    Raises:
        DataError: no sample has the label, or one has a value that is not in ``order``.

    Example:
        >>> label_classes([Sample("a", {}, {"kind": "pear"}), Sample("b", {}, {"kind": "fig"})], "kind")
        {'fig': 0, 'pear': 1}
    """
    values = samples.label_values(label) if isinstance(samples, Manifest) else [s.labels.get(label) for s in samples]
    found = {value for value in values if value is not None}
    if not found:
        others: set[str] = set()
        for sample in samples:
            others.update(sample.labels)
        raise DataError(f"no item has the label {label!r}; the labels are {', '.join(sorted(others)) or 'none at all'}")
    strange = sorted(found - set(order)) if order else []
    if strange:
        raise DataError(
            f"{len(strange)} values of the label {label!r} are not in {CLASSES}, such as {strange[0]!r}; add them "
            "there, or remove the file to number the values that occur"
        )
    # sorted, so that a class has the same number whatever the order of the rows
    classes = order or sorted(found)
    return dict(zip(classes, range(len(classes)), strict=True))
