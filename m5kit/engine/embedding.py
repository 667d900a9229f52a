"""Embeds the items of a split with a trained run, as seen through any subset of their modalities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.device import get_device

from m5kit.data.failures import FailureLog
from m5kit.engine import checkpoint
from m5kit.engine.build import build_model
from m5kit.engine.config import RunConfig, check_config, load_config
from m5kit.engine.frozen import FrozenOutputs
from m5kit.engine.provenance import require_plugins
from m5kit.engine.run_data import RunData
from m5kit.engine.run_folder import RunFolder, read_json
from m5kit.engine.threads import share_cores
from m5kit.errors import CheckpointError, ConfigError
from m5kit.evaluation.base import Embedded, Request
from m5kit.models.embedder import Embedding, embed
from m5kit.models.finetuner import Finetuner
from m5kit.models.pretrainer import Pretrainer
from m5kit.registry import HEADS


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
        model = build_model(config, run_data.transforms, run_data.classes)
        if not untrained:
            checkpoint.load_weights(_latest(folder), model)
        model.to(get_device()).eval()
        return cls(folder, config, replace(run_data, frozen=FrozenOutputs.of(model, config)), model)

    def embed(self, requests: Iterable[Request]) -> dict[Request, Embedded]:
        """Embed what metrics ask for; a split is decoded once, however many subsets of modalities are asked for."""
        wanted: dict[str, list[Request]] = {}
        for request in requests:
            wanted.setdefault(request.split, []).append(request)
        return {r: e for split, asked in wanted.items() for r, e in self._embed_split(split, asked).items()}

    def embed_items(self, splits: Sequence[str] | None, modalities: tuple[str, ...] | None, space: str) -> Embedded:
        """Embed every item of some splits, or of all, in one table."""
        there = self.data.manifest.split_sizes()
        requests = [Request(split, modalities, space) for split in (there if splits is None else splits)]
        parts = list(self.embed(requests).values())
        names = sorted({name for part in parts for name in part.labels})
        return Embedded(
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.vectors for part in parts]),
            {name: np.concatenate([part.labels.get(name, np.full(len(part), "")) for part in parts]) for name in names},
        )

    def _embed_split(self, split: str, requests: Sequence[Request]) -> dict[Request, Embedded]:
        views = {request.modalities: self._known(request.modalities) for request in requests}
        collected: dict[tuple[str, ...] | None, list[Embedding]] = {view: [] for view in views}
        failures = FailureLog(self.folder.failures, self.config.data.max_failed)
        ids: list[str] = []
        device = get_device()
        for batch in self.data.eval_loader(split):
            failures.update(batch)
            ids += batch.ids
            moved = batch.to(device)
            for view, modalities in views.items():
                collected[view].append(embed(self.model, moved.only(modalities)))
        names, labels = np.array(ids), _labels(self.data, split)
        predictions = {view: self._predictions(parts) for view, parts in collected.items()}
        return {
            r: Embedded(names, _vectors(collected[r.modalities], r.space), labels, predictions[r.modalities])
            for r in requests
        }

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


def _latest(folder: RunFolder) -> Path:
    found = checkpoint.latest(folder.checkpoints)
    if found is None:
        raise CheckpointError(f"{folder.path} has no checkpoint; train it first, or continue it with --resume")
    return found


def _vectors(parts: Sequence[Embedding], space: str) -> np.ndarray:
    return np.concatenate([getattr(part, space).numpy() for part in parts])


def _labels(data: RunData, split: str) -> Mapping[str, np.ndarray]:
    """The labels of every item of a split by name, an empty string where it has none."""
    labels = [sample.labels for sample in data.samples(split)]
    names = sorted({name for given in labels for name in given})
    return {name: np.array([given.get(name, "") for given in labels]) for name in names}
