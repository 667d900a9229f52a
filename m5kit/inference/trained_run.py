"""A run folder, opened for use: its config, its data, its model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from m5kit.assembly.data import RunData
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.config import RunConfig, check_config, load_config
from m5kit.data.remote.place import Place
from m5kit.evaluation.base import Embedded, Request
from m5kit.inference.embedding import embed_requests, embed_splits
from m5kit.inference.weights import load_model
from m5kit.models.base import Model
from m5kit.parallel.group import Group
from m5kit.parallel.threads import share_cores
from m5kit.runs import checkpoint
from m5kit.runs.beginning import changed_items
from m5kit.runs.belonging import strangers
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json
from m5kit.runs.log import LOGGER, once
from m5kit.runs.provenance import require_plugins

ALONE = Group()
"""One process does all the work."""
WAIT = 600.0
"""Seconds in which a process must have embedded its next batch; after that it is given up, and the work with it."""


@dataclass(frozen=True)
class TrainedRun:
    """A run folder, opened for use.

    Attributes:
        folder: of the run.
        config: the one it was trained with, except for the data root if another was given.
        data: its pipelines, with what their transforms learned.
        model: in eval mode, on the device.
        group: the processes that share the work; each has opened the run.
    """

    folder: RunFolder
    config: RunConfig
    data: RunData
    model: Model
    group: Group = ALONE

    @classmethod
    def open(
        cls,
        path: Path,
        data: Place | None = None,
        overrides: Sequence[str] = (),
        untrained: bool = False,
        group: Group = ALONE,
    ) -> Self:
        """Load the last checkpoint of a run.

        Args:
            path: the run's folder.
            data: another folder of items to use instead of the one it was trained on.
            overrides: ``key=value`` of keys that do not change the model.
            untrained: leave the weights as they were before training, to compare with.
            group: the processes that share the work.

        Raises:
            CheckpointError: there is no run, no checkpoint, or the checkpoint belongs to another model.
        """
        folder = RunFolder.open(path)
        share_cores()
        # before the config is checked, which would only say that a part is unknown
        require_plugins(folder.read(folder.provenance))
        config = check_config(load_config(folder.config, overrides=overrides, data=data))
        run_data = RunData.reopen(config, folder)
        model = load_model(config, run_data, folder, untrained)
        for told in strangers(folder) if group.first else ():
            LOGGER.warning("%s", told, extra=once(told))
        # last, because frozen encoders must run with the weights of the checkpoint
        return cls(folder, config, run_data.with_frozen(FrozenOutputs.of(model, config)), model, group)

    @property
    def changed_items(self) -> str | None:
        """How the items differ from those that the run was trained with, as a sentence; None if they are the same."""
        changed = changed_items(self.folder.read(self.folder.provenance), self.data.manifest.dataset.fingerprint())
        return None if changed is None else f"the items changed since the run was trained: {changed}"

    @property
    def caveat(self) -> str | None:
        """What a reader of values must know: items that changed, newer checkpoints that are damaged; else None."""
        told = [] if self.changed_items is None else [self.changed_items]
        used, newest = checkpoint.to_use(self.folder), checkpoint.newest_step(self.folder.checkpoints)
        if used.name != checkpoint.BEST and int(read_json(used / "state.json")["step"]) != newest:
            told.append(f"the values are of {used.name}; checkpoints after it are damaged")
        return "; ".join(told) or None

    @property
    def unfinished(self) -> str | None:
        """The step that the weights are of, as ``step 193 of 400``; None for those of the last one.

        Of a run whose length is given in minutes or passes, the last step is the newest one that was saved.
        """
        schedule, used = self.config.schedule, checkpoint.to_use(self.folder)
        step, last = int(read_json(used / "state.json")["step"]), schedule.max_steps
        if schedule.minutes is not None or schedule.epochs is not None:
            last = checkpoint.newest_step(self.folder.checkpoints) or step
        if not 0 < step < last:  # 0 is that of a folder to share, which keeps no step
            return None
        best = f", the best by {self.config.checkpoint.best}" if used.name == checkpoint.BEST else ""
        return f"step {step} of {last}{best}"

    def embed(self, requests: Iterable[Request]) -> dict[Request, Embedded]:
        """Embed what metrics ask for; items are decoded once for all requests.

        Returns:
            The answers in the first process of the group, nothing in the others.
        """
        return embed_requests(self.model, self.data, self.folder.failures, requests, self.group)

    def embed_items(
        self, splits: Sequence[str] | None, modalities: tuple[str, ...] | None, space: str
    ) -> Embedded | None:
        """Embed every item of some splits, or of all, in one table; the split of each joins the labels.

        Returns:
            The table in the first process of the group, None in the others.
        """
        failures = self.folder.failures
        return embed_splits(self.model, self.data, failures, splits, modalities, space, self.group)
