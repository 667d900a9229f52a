"""The data side of a run: samples by split, pipelines, classes, loaders."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from m5kit.api import Dataset, Transform
from m5kit.assembly.corruption import CorruptedItems, Corruptions, collate_corrupted
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.loader import ScopedLoader
from m5kit.assembly.model import build_pipelines, fit_transforms
from m5kit.config import RunConfig
from m5kit.data.cache.reader import cached
from m5kit.data.cache.store import CacheStore
from m5kit.data.classes import class_order
from m5kit.data.collate import collate
from m5kit.data.dataset import ManifestDataset, Pipeline, Samples
from m5kit.data.manifest import Manifest, label_classes
from m5kit.data.sampler import SequentialSampler, StepSampler
from m5kit.data.training_items import RemovedModalities, complete, portion
from m5kit.errors import ConfigError
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.registry import DATASETS
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json
from m5kit.structures import Batch

EVAL_BATCH = 64


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
            learned_by: the run whose weights the new one starts from; its vocabularies are taken over.
        """
        pipelines = build_pipelines(config)
        data = cls(config, data_root(config), pipelines, {})
        train = data.training_items
        if learned_by is None:
            fit_transforms(pipelines, train, data.root)
        else:
            _load_states(pipelines, learned_by)
        label = config.data.label
        classes = {label: list(label_classes(train, label, class_order(data.manifest.root, label)))} if label else {}
        write_json(folder.transforms, {m: pipeline.transform.state() for m, pipeline in pipelines.items()})
        write_json(folder.classes, classes)
        return cls(config, data.root, pipelines, classes)

    @classmethod
    def reopen(cls, config: RunConfig, folder: RunFolder) -> "RunData":
        """The data of an existing run, with what its transforms learned then."""
        with blueprints(reuse=folder.pretrained):
            pipelines = build_pipelines(config)
        _load_states(pipelines, folder)
        return cls(config, data_root(config), pipelines, read_json(folder.classes))

    @property
    def transforms(self) -> dict[str, Transform]:
        """The transforms alone, by modality."""
        return {m: pipeline.transform for m, pipeline in self.pipelines.items()}

    @cached_property
    def manifest(self) -> Manifest:
        """Every item of the dataset, with the columns that some input reads."""
        columns: dict[str, None] = {}  # a set that keeps the order
        for modality, pipeline in self.pipelines.items():
            columns |= dict.fromkeys(pipeline.columns(modality))
        return Manifest.of(open_dataset(self.config, tuple(columns)))

    def samples(self, *splits: str) -> Manifest:
        """The items of some splits.

        Raises:
            DataError: a split has no items.
        """
        return self.manifest.select(*splits)

    @cached_property
    def training_items(self) -> Manifest:
        """What the config leaves of the training splits; evaluation reads every split whole.

        Raises:
            DataError: a split has no items, or nothing is left.
        """
        wanted, seed = self.config.data, self.config.seed
        items = self.samples(*wanted.train)
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
        found = (numbers.get(item.labels.get(label, ""), -1) for item in items)
        return np.fromiter(found, np.int64, len(items))

    def _stand_ins(self) -> dict[str, str | None]:
        """What an item can lack, and what is read in its place; of a joined input, each of its columns."""
        stand_ins: dict[str, str | None] = {}
        for modality, pipeline in self.pipelines.items():
            if not pipeline.join:
                stand_ins[modality] = pipeline.source
        for pipeline in self.pipelines.values():
            stand_ins |= dict.fromkeys(pipeline.join)  # what is removed is drawn in this order
        return stand_ins

    def train_loader(self) -> DataLoader[Batch]:
        """Endless batches of the training splits, augmented."""
        config = self.config
        samples = self.training_items
        groups = self._class_numbers if config.data.balance == "label" else None
        sampler = StepSampler(size=len(samples), batch_size=config.schedule.batch_size, seed=config.seed, groups=groups)
        return self._loader(self._dataset(samples, train=True), sampler)

    def eval_loader(self, samples: Samples, corruptions: Corruptions = (None,)) -> DataLoader[list[Batch]]:
        """Every item once, in order, nothing random but what ``corruptions`` ask for: a batch for each of them."""
        items = CorruptedItems(self._dataset(samples, train=False), self.pipelines, corruptions)
        return self._loader(
            items, SequentialSampler(size=len(samples), batch_size=EVAL_BATCH), together=collate_corrupted
        )

    @cached_property
    def _reading(self) -> Mapping[str, Pipeline]:
        """The pipelines; those that the config wants cached read what they prepared once."""
        store, reading = CacheStore.from_environment(), dict(self.pipelines)
        for modality, pipeline in self.pipelines.items():
            settings = self.config.inputs[modality]
            if settings.get("cache", settings.get("keep")):  # keep is the older name
                reading[modality] = cached(pipeline, settings, store)
        return reading

    def _dataset(self, samples: Samples, train: bool) -> ManifestDataset:
        reading = self._reading
        return ManifestDataset(
            samples=samples,
            root=self.root,
            pipelines=self.frozen.pipelines(reading, samples, self.root) if self.frozen else reading,
            targets={label: _numbered(names) for label, names in self.classes.items()},
            seed=self.config.seed,
            train=train,
            dropout=self.config.data.dropout,
            missing=self.config.data.missing,
        )

    def _loader(
        self,
        dataset: TorchDataset[Any],
        sampler: StepSampler | SequentialSampler,
        together: Callable[..., Any] = collate,
    ) -> DataLoader[Any]:
        return ScopedLoader(
            dataset,
            batch_sampler=sampler,
            num_workers=self.config.data.workers,
            collate_fn=partial(together, modalities=tuple(self.pipelines)),
            worker_init_fn=_quiet_worker,
            scope=self.config.plugins,
            generator=torch.Generator().manual_seed(self.config.seed),  # else it draws from the state that dropout uses
            pin_memory=torch.cuda.is_available(),
        )


def open_dataset(config: RunConfig, columns: tuple[str, ...] = ()) -> Dataset:
    """The dataset that a config names: a manifest, if it says nothing else.

    Args:
        config: checked.
        columns: what is read of each item.

    Raises:
        ConfigError: the config names no folder.
        DataError: the items cannot be found, or some are wrong.
    """
    given = {"root": data_root(config), "columns": columns, "manifest": config.data.manifest}
    opened: Dataset = DATASETS.build(config.data.source or {"type": "manifest"}, config.plugins, **given)
    return opened


def data_root(config: RunConfig) -> Path:
    """Folder of the manifest.

    Raises:
        ConfigError: the config names none.
    """
    if config.data.root is None:
        raise ConfigError(["data.root: no data folder is set; add --data DIR, a folder with annotations.jsonl"])
    return Path(config.data.root)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _load_states(pipelines: Mapping[str, Pipeline], folder: RunFolder) -> None:
    states = read_json(folder.transforms)
    for modality, pipeline in pipelines.items():
        if modality in states:
            pipeline.transform.load_state(states[modality])


def _quiet_worker(worker: int) -> None:
    """One thread a worker, and Ctrl-C is the main process's business: it saves before it stops."""
    torch.set_num_threads(1)
    signal(SIGINT, SIG_IGN)
