"""The data side of a run: samples by split, pipelines, classes, loaders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from m5kit.api import Transform
from m5kit.assembly.corruption import CorruptedItems, Corruptions, collate_corrupted
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.learned import load_states, read_classes
from m5kit.assembly.loader import build_loader, train_sampler
from m5kit.assembly.model import build_pipelines, fit_transforms
from m5kit.assembly.sources import data_root, open_dataset
from m5kit.config import RunConfig
from m5kit.data.cache.reader import cached_where_asked
from m5kit.data.cache.store import CacheStore
from m5kit.data.classes import class_order
from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset, Samples
from m5kit.data.item_costs import ItemCosts
from m5kit.data.manifest import Manifest, label_classes
from m5kit.data.pipeline import Pipeline
from m5kit.data.sampler import Draw, SequentialSampler
from m5kit.data.training_items import RemovedModalities, complete, portion, warn_of_absent
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.registry import TASKS
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import write_json
from m5kit.structures import Batch

EVAL_BATCH = 64  # fixed: the last bits of an embedding can depend on the batch size


@dataclass(frozen=True)
class RunData:
    """Everything that turns a manifest into batches.

    Attributes:
        config: checked.
        root: folder of the manifest.
        pipelines: by modality; their transforms are fitted.
        classes: class names by label, in the order of their numbers.
        frozen: what frozen encoders make of items, computed once and cached; None before there is a model.
    """

    config: RunConfig
    root: Path
    pipelines: Mapping[str, Pipeline]
    classes: Mapping[str, Sequence[str]]
    frozen: FrozenOutputs | None = None

    @classmethod
    def prepare(cls, config: RunConfig, folder: RunFolder, learned_by: RunFolder | None = None) -> "RunData":
        """Fit the transforms on the training splits and store what they learned in the run folder.

        Args:
            config: checked.
            folder: of the new run.
            learned_by: the run whose weights the new one starts from; what its transforms learned is reused.
        """
        data = cls.fitted(config, learned_by)
        # Stored, because a fit on changed data later would give other ids to the same words.
        write_json(folder.transforms, {m: transform.state() for m, transform in data.transforms.items()}, exact=True)
        write_json(folder.classes, data.classes)
        return data

    @classmethod
    def fitted(cls, config: RunConfig, learned_by: RunFolder | None = None) -> "RunData":
        """The data of a new run, whose transforms learn from the training splits; nothing is written."""
        pipelines = build_pipelines(config)
        data = cls(config, data_root(config), pipelines, {})
        train = data.training_items
        if learned_by is None:
            fit_transforms(pipelines, train, data.root)
        else:
            load_states(pipelines, learned_by)
        label = config.data.label
        classes: dict[str, Sequence[str]] = {}
        if label:
            order = class_order(data.manifest.root, label, config.data.follow_links)
            classes[label] = list(label_classes(train, label, order))
        return data._changed(classes=classes)

    @classmethod
    def reopen(cls, config: RunConfig, folder: RunFolder) -> "RunData":
        """The data of an existing run, with what its transforms learned then."""
        classes = read_classes(folder)
        with blueprints(reuse=folder.pretrained):
            pipelines = build_pipelines(config)
        load_states(pipelines, folder)
        return cls(config, data_root(config), pipelines, classes)

    def with_frozen(self, frozen: FrozenOutputs | None) -> "RunData":
        """The same data, with what frozen encoders make of items."""
        return self._changed(frozen=frozen)

    def _changed(self, **changes: Any) -> "RunData":
        """A copy that keeps the items that were found: opening a manifest of millions takes seconds."""
        changed = replace(self, **changes)
        for found in ("manifest", "training_items"):
            if found in self.__dict__:  # where cached_property keeps its value
                changed.__dict__[found] = self.__dict__[found]
        return changed

    @property
    def transforms(self) -> dict[str, Transform]:
        """The transforms alone, by modality."""
        return {m: pipeline.transform for m, pipeline in self.pipelines.items()}

    @cached_property
    def manifest(self) -> Manifest:
        """Every item of the dataset, with the columns that some input reads."""
        from m5kit.data.shards.prepared import require_prepared_for  # a run that is used reads no shards

        columns: dict[str, None] = {}  # a set that keeps the order
        for modality, pipeline in self.pipelines.items():
            columns |= dict.fromkeys(pipeline.columns(modality))
        require_prepared_for(self.root, self.pipelines)
        return Manifest.of(open_dataset(self.config, tuple(columns)))

    def samples(self, *splits: str) -> Manifest:
        """The items of some splits.

        Raises:
            DataError: a split has no items.
        """
        return self.manifest.select(*splits)

    @cached_property
    def training_items(self) -> Manifest:
        """The part of the training splits that the config uses; evaluation reads every split whole.

        Raises:
            DataError: a split has no items, or nothing is left.
        """
        wanted, seed = self.config.data, self.config.seed
        items = self.samples(*wanted.train)
        # In this order: an item that lost a modality is no longer complete, and the share is of what remains.
        if wanted.missing_rate:
            items = items.altered(RemovedModalities(wanted.missing_rate, seed, self._stand_ins()))
        if wanted.complete_only:
            items = complete(items, self._stand_ins())
        return portion(items, wanted.share, seed) if wanted.share < 1 else items

    @property
    def class_counts(self) -> list[int] | None:
        """Training items of each class of ``data.label``, in the order of the classes; None without a label."""
        label = self.config.data.label
        if label is None:
            return None
        known = self._class_numbers[self._class_numbers >= 0]
        return np.bincount(known, minlength=len(self.classes[label])).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _class_numbers(self) -> np.ndarray:
        """The class of ``data.label`` of each training item; -1 where it has none."""
        label = self.config.data.label
        if label is None:
            raise ConfigError(["data.label is not set; name a label to balance or weigh its classes"])
        numbers, items = _numbered(self.classes[label]), self.training_items
        found = (numbers.get(value or "", -1) for value in items.label_values(label))
        return np.fromiter(found, np.int64, len(items))

    def _stand_ins(self) -> dict[str, str | None]:
        """What an item can lack, and the column that is read in its place; for a joined input, each of its columns."""
        stand_ins: dict[str, str | None] = {}
        for modality, pipeline in self.pipelines.items():
            if not pipeline.join:
                stand_ins[modality] = pipeline.source
        for pipeline in self.pipelines.values():
            stand_ins |= dict.fromkeys(pipeline.join)  # a fixed order, in which removal draws
        return stand_ins

    def train_loader(
        self, rank: int = 0, world_size: int = 1, sizes: NDArray[np.int64] | None = None
    ) -> DataLoader[Batch]:
        """Endless batches of the training items, augmented; each process takes a share of them.

        Args:
            rank: of this process.
            world_size: how many processes there are.
            sizes: tokens of each training item, where ``schedule.tokens`` says how large batches are.
        """
        samples = self.training_items
        groups = self._class_numbers if self.config.data.balance == "label" else None
        costs = ItemCosts(samples, self.pipelines) if self.config.data.missing == "mask" else None
        sampler = train_sampler(self.config, samples, groups, sizes, costs, rank, world_size)
        warn_of_absent(samples, self.pipelines)
        return build_loader(self.config, self._dataset(samples, train=True), samples, sampler, collate)

    def train_batch(self, draws: Sequence[Draw]) -> Batch:
        """Some draws as training reads them, in this process."""
        items = self._dataset(self.training_items, train=True)
        return collate([items[draw] for draw in draws], tuple(sorted(self.config.encoders)))

    def eval_loader(
        self,
        samples: Samples,
        corruptions: Corruptions = (None,),
        batch_size: int = EVAL_BATCH,
        rank: int = 0,
        processes: int = 1,
        every_value: bool = True,
    ) -> DataLoader[list[Batch]]:
        """Every item once, in order, one batch for each corruption; of n processes each gets every n-th batch."""
        items = CorruptedItems(self._dataset(samples, False, every_value), self.pipelines, corruptions)
        sampler = SequentialSampler(size=len(samples), batch_size=batch_size, rank=rank, world_size=processes)
        return build_loader(self.config, items, samples, sampler, collate_corrupted)

    @cached_property
    def reading(self) -> Mapping[str, Pipeline]:
        """The pipelines; those that the config caches read their prepared inputs from disk."""
        return cached_where_asked(self.pipelines, self.config.inputs, CacheStore.from_environment())

    @property
    def _augments_twice(self) -> bool:
        """Whether a task reads every training item augmented a second time."""
        kinds = [TASKS.get(task["type"], self.config.plugins) for task in self.config.tasks.values()]
        return any(getattr(kind, "augments_twice", False) for kind in kinds)

    def _dataset(self, samples: Samples, train: bool, every_value: bool = False) -> ManifestDataset:
        """The samples as a torch dataset; augmentation and modality dropout only in training."""
        return ManifestDataset(
            samples=samples,
            root=self.root,
            pipelines=self.frozen.pipelines(self.reading, samples, self.root) if self.frozen else self.reading,
            targets={label: _numbered(names) for label, names in self.classes.items()},
            seed=self.config.seed,
            train=train,
            dropout=self.config.data.dropout,
            twice=self._augments_twice,
            missing=self.config.data.missing,
            item_seconds=self.config.data.item_seconds,
            every_value=every_value,
        )


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return dict(zip(names, range(len(names)), strict=True))
