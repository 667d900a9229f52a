"""The items of a manifest: which there are, which split they belong to, which classes their labels name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from m5kit.data.classes import CLASSES
from m5kit.data.records import MODALITIES, Rows, open_rows, raise_for
from m5kit.data.survey import survey
from m5kit.errors import DataError
from m5kit.structures import Sample


class Manifest:
    """Samples by number, parsed when asked for; holds offsets, so it is small however many items there are.

    Args:
        rows: the file.
        modalities: the keys of a row that are modalities; all others but id, split and labels are extra.
        splits: names of the splits.
        codes: which of ``splits`` each chosen row belongs to.
        chosen: the rows that count, in order.
        alter: what happens to a sample when it is read.
    """

    def __init__(
        self,
        rows: Rows,
        modalities: Sequence[str],
        splits: Sequence[str],
        codes: np.ndarray,
        chosen: np.ndarray,
        alter: Callable[[Sample], Sample] | None = None,
    ) -> None:
        self.rows = rows
        self.modalities = tuple(modalities)
        self.splits = tuple(splits)
        self.codes = codes
        self.chosen = chosen
        self.alter = alter

    @property
    def root(self) -> Path:
        """The folder that paths are relative to."""
        return self.rows.path.parent

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> Sample:
        sample = _sample(self.rows[int(self.chosen[index])], self.modalities)
        return sample if self.alter is None else self.alter(sample)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def split_sizes(self) -> dict[str, int]:
        """How many items each split has."""
        counts = np.bincount(self.codes, minlength=len(self.splits)).tolist()
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
            raise DataError(f"{self.rows.path} has no item in split {' or '.join(empty)}; it has {there}")
        return self.take(np.isin(self.codes, [self.splits.index(split) for split in splits]))

    def take(self, wanted: np.ndarray) -> "Manifest":
        """The items where ``wanted`` is True."""
        return Manifest(self.rows, self.modalities, self.splits, self.codes[wanted], self.chosen[wanted], self.alter)

    def altered(self, alter: Callable[[Sample], Sample]) -> "Manifest":
        """The same items, each changed when it is read."""
        return Manifest(self.rows, self.modalities, self.splits, self.codes, self.chosen, alter)


def read_manifest(root: Path | str, name: str | None = None, modalities: Sequence[str] = MODALITIES) -> Manifest:
    """Read ``annotations.jsonl``, ``.parquet`` or ``.arrow`` in ``root``, or the file ``root``.

    Args:
        root: folder of the manifest; the paths in it are relative to this folder.
        name: the manifest's file name, if it is another or if there are both.
        modalities: the keys to read as modalities.

    Raises:
        DataError: the file is missing, or rows are wrong; every wrong row is named. Media files are not looked at.
    """
    rows = open_rows(Path(root), name)
    found = survey(rows, modalities)
    raise_for(rows.path, found.problems)
    return Manifest(rows, modalities, found.splits, found.codes, np.arange(len(rows)))


def label_classes(samples: Iterable[Sample], label: str, order: Sequence[str] = ()) -> dict[str, int]:
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
    found: set[str] = set()
    others: set[str] = set()
    for sample in samples:
        others.update(sample.labels)
        if label in sample.labels:
            found.add(sample.labels[label])
    if not found:
        raise DataError(f"no item has the label {label!r}; the labels are {', '.join(sorted(others)) or 'none at all'}")
    strange = sorted(found - set(order)) if order else []
    if strange:
        raise DataError(
            f"{len(strange)} values of the label {label!r} are not in {CLASSES}, such as {strange[0]!r}; add them "
            "there, or remove the file to number the values that occur"
        )
    return {value: number for number, value in enumerate(order or sorted(found))}


def _sample(record: Mapping[str, Any], modalities: Sequence[str]) -> Sample:
    known = {"id", "split", "labels", *modalities}
    return Sample(
        id=record["id"],
        sources={name: _present(record[name]) for name in modalities if record.get(name) is not None},
        labels=_present(record.get("labels") or {}),
        split=record.get("split") or "",
        extra={key: value for key, value in record.items() if key not in known},
    )


def _present(value: Any) -> Any:
    """Properties without a value are properties that the item does not have."""
    return {key: part for key, part in value.items() if part is not None} if isinstance(value, Mapping) else value
