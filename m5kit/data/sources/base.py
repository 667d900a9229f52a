"""The contract of a dataset: items by number, the split of each, and what tells it from another."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from m5kit.structures import Sample

BLOCK = 1000
"""Items of a block, where they do not lie in shards."""


class Dataset(ABC):
    """Items by number, each with references to its modalities; a decoder opens those, later and in another process.

    Constructors are keyword-only. Filled in by name where taken: ``root`` (the folder that the config or ``--data``
    names), ``columns`` (the names that the run's inputs read, a tuple) and ``manifest`` (the config's
    ``data.manifest``). A dataset is pickled to the workers: it holds what finds an item, never an open file, and a
    worker reads the items it is asked for.

    Attributes:
        filled_in: the names of these arguments; a config need not set them.
        root: folder that references are relative to; decoders get it.
    """

    filled_in: ClassVar[frozenset[str]] = frozenset({"root", "columns", "manifest"})
    root: Path

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abstractmethod
    def __getitem__(self, index: int) -> Sample:
        """Item ``index``; a modality that it does not have is a missing key of ``sources``."""

    @abstractmethod
    def splits(self) -> Sequence[str]:
        """The split of every item, in order, without reading what need not be; empty for an item of none."""

    @abstractmethod
    def fingerprint(self) -> Mapping[str, Any]:
        """What a run writes down to tell these items from others later, as JSON data; the same for the same items."""

    def ids(self) -> Sequence[str]:
        """The name of every item, in order; override it if there is a quicker way than reading all of them."""
        return [self[index].id for index in range(len(self))]

    def label_values(self, label: str) -> Sequence[str | None]:
        """What every item says for a label, in order, None for nothing; override it if there is a quicker way."""
        return [self[index].labels.get(label) for index in range(len(self))]

    def blocks(self) -> Sequence[int]:
        """How many items lie together, from the first on, as in a shard; ``data.window`` mixes some of these at a time.

        Override it where items lie in files of many; others are counted by the thousand.
        """
        full, rest = divmod(len(self), BLOCK)
        return [BLOCK] * full + [rest] * bool(rest)

    def __str__(self) -> str:
        """How messages name it."""
        return str(self.root)

    @classmethod
    def example(cls, folder: Path) -> "Dataset":
        """An instance of some items in at least two splits, written into ``folder``; m5kit.testing tries it."""
        raise NotImplementedError(f"{cls.__name__} has no example(folder); return an instance with a few items")
