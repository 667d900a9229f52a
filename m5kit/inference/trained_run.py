"""Embeds the items of a split with a trained run, as seen through any subset of their modalities."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from m5kit.assembly.corruption import Changes
from m5kit.assembly.data import RunData
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.model import build_model
from m5kit.config import RunConfig, check_config, load_config
from m5kit.data.dataset import Samples
from m5kit.data.failures import FailureLog
from m5kit.errors import ConfigError
from m5kit.evaluation.base import Change, Embedded, Request
from m5kit.models.embedder import Embedding, embed
from m5kit.models.finetuner import Finetuner
from m5kit.models.pretrainer import Pretrainer
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.parallel.device import default_device
from m5kit.parallel.threads import share_cores
from m5kit.registry import HEADS
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder, read_json
from m5kit.runs.provenance import require_plugins
from m5kit.structures import Batch, Sample

View = tuple[tuple[str, ...] | None, Change | None]
"""What is seen of the items, and what is done to them."""


@dataclass(frozen=True)
class TrainedRun:
    """A run folder, opened for use.

    Attributes:
        folder: of the run.
        config: that it was trained with, the data root replaced if another was given.
        data: its pipelines, with what their transforms learned.
        model: in eval mode, on the device.
    """

    folder: RunFolder
    config: RunConfig
    data: RunData
    model: Pretrainer | Finetuner

    @classmethod
    def open(
        cls, path: Path, data: Path | None = None, overrides: Sequence[str] = (), untrained: bool = False
    ) -> "TrainedRun":
        """Load the last checkpoint of a run.

        Args:
            path: the run's folder.
            data: another folder of items to use instead of the one it was trained on.
            overrides: ``key=value`` of keys that do not change the model.
            untrained: leave the weights as they were before training, to compare with.

        Raises:
            CheckpointError: no run, no checkpoint, or one of another model.
        """
        folder = RunFolder.open(path)
        share_cores()
        require_plugins(read_json(folder.provenance))
        config = check_config(load_config(folder.config, overrides=overrides, data=data))
        run_data = RunData.reopen(config, folder)
        torch.manual_seed(config.seed)
        with blueprints(reuse=None if untrained else folder.pretrained):
            model = build_model(config, run_data.transforms, run_data.classes)
        if not untrained:
            checkpoint.load_weights(checkpoint.newest(folder), model)
        model.to(default_device()).eval()
        return cls(folder, config, replace(run_data, frozen=FrozenOutputs.of(model, config)), model)

    def embed(self, requests: Iterable[Request]) -> dict[Request, Embedded]:
        """Embed what metrics ask for; items are decoded once, however many views of them are asked for."""
        wanted: dict[Request, list[Request]] = {}
        for request in requests:
            wanted.setdefault(Request(request.split, samples=request.samples), []).append(request)
        return {r: e for asked in wanted.values() for r, e in self._embed_views(asked).items()}

    def embed_items(self, splits: Sequence[str] | None, modalities: tuple[str, ...] | None, space: str) -> Embedded:
        """Embed every item of some splits, or of all, in one table; the split of each joins the labels."""
        there = self.data.manifest.split_sizes()
        requests = [Request(split, modalities, space) for split in (there if splits is None else splits)]
        embedded = self.embed(requests)
        parts = [replace(e, labels={"split": np.full(len(e), r.split), **e.labels}) for r, e in embedded.items()]
        names = sorted({name for part in parts for name in part.labels})
        return Embedded(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.vectors for part in parts]),
            {name: np.concatenate([part.labels.get(name, np.full(len(part), "")) for part in parts]) for name in names},
        )

    def _embed_views(self, requests: Sequence[Request]) -> dict[Request, Embedded]:
        """Embed requests for the same items."""
        samples = requests[0].samples or self.data.samples(requests[0].split)
        views = {_view(request): self._known(request.modalities) for request in requests}
        collected: dict[View, list[Embedding]] = {view: [] for view in views}
        changes = [None, *sorted({change for _, change in views if change is not None}, key=str)]
        ids: list[str] = []
        for batches in self._batches(samples, changes):
            ids += batches[0].ids
            moved = dict(zip(changes, (batch.to(default_device()) for batch in batches), strict=True))
            for view, modalities in views.items():
                collected[view].append(embed(self.model, moved[view[1]].only(modalities)))
        names = np.array(ids)
        predictions = {view: self._predictions(parts) for view, parts in collected.items()}
        labels = {held: _labels(samples, held) for held in {request.properties for request in requests}}
        return {
            r: Embedded(names, _vectors(collected[_view(r)], r.space), labels[r.properties], predictions[_view(r)])
            for r in requests
        }

    def _batches(self, samples: Samples, changes: Changes) -> Iterator[list[Batch]]:
        failures = FailureLog(self.folder.failures, self.config.data.max_failed)
        for batches in self.data.eval_loader(samples, changes):
            failures.update(batches[0])
            yield batches

    def _predictions(self, parts: Sequence[Embedding]) -> Mapping[str, np.ndarray]:
        """The class names that a fine-tuned model scores highest, by its label; only a head of classes names any."""
        label, head = self.config.data.label, self.config.head
        if self.config.mode != "finetune" or not (label and head) or "classes" not in HEADS.arguments(head["type"]):
            return {}
        numbers = np.concatenate([part.scores.argmax(1).numpy() for part in parts if part.scores is not None])
        return {label: np.array(self.data.classes[label], dtype=np.str_)[numbers]}

    def _known(self, modalities: tuple[str, ...] | None) -> tuple[str, ...]:
        known = self.model.backbone.modalities
        unknown = sorted(set(modalities or ()) - set(known))
        if unknown:
            raise ConfigError([f"the run has no {', '.join(unknown)}; it was trained with {', '.join(known)}"])
        return known if modalities is None else modalities


def _vectors(parts: Sequence[Embedding], space: str) -> np.ndarray:
    return np.concatenate([getattr(part, space).numpy() for part in parts])


def _view(request: Request) -> View:
    return request.modalities, request.change


def _labels(samples: Samples, properties: str | None) -> Mapping[str, np.ndarray]:
    """The labels of every item by name, an empty string where it has none; properties join them if asked for."""
    given = [_labels_of(samples[index], properties) for index in range(len(samples))]
    names = sorted({name for labels in given for name in labels})
    return {name: np.array([labels.get(name, "") for labels in given]) for name in names}


def _labels_of(sample: Sample, properties: str | None) -> Mapping[str, str]:
    found = sample.sources.get(properties) if properties else None
    if not isinstance(found, Mapping):
        return sample.labels
    single = {key: value for key, value in found.items() if not isinstance(value, list | tuple | Mapping)}
    return {**sample.labels, **{f"{properties}.{key}": str(value) for key, value in single.items()}}
