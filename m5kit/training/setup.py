"""Puts together what a run trains: a new one from its config, or one that goes on from its folder."""

from dataclasses import dataclass
from pathlib import Path

import torch

from m5kit.assembly.data import RunData
from m5kit.assembly.descriptors import fit_descriptors
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.model import build_model
from m5kit.config import Resolved, RunConfig
from m5kit.models.base import Model
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.parallel.device import default_device
from m5kit.parallel.group import Group, ProcessGroup
from m5kit.parallel.replica import Replica
from m5kit.runs import checkpoint
from m5kit.runs.beginning import begin_run, require_resumable, require_same_data
from m5kit.runs.folder import RunFolder
from m5kit.training.agreement import require_same_items


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a user asks for.

    Attributes:
        resolved: the config as it was composed.
        path: folder of the run.
        resume: go on with the run in it; otherwise there must be none.
    """

    resolved: Resolved
    path: Path
    resume: bool


@dataclass(frozen=True, slots=True)
class Setup:
    """What a run trains.

    Attributes:
        config: checked.
        folder: of the run.
        data: its items; transforms are fitted.
        model: with the weights that the run begins with, or goes on with.
    """

    config: RunConfig
    folder: RunFolder
    data: RunData
    model: Model


def set_up(plan: TrainingPlan, config: RunConfig, folder: RunFolder, group: Group | None = None) -> Setup:
    """Build what is trained: of a new run, whose folder is filled, or of one that goes on.

    Args:
        plan: what a user asks for.
        config: the plan's, checked.
        folder: the plan's.
        group: of the run; the first process makes what is made once, and the others read it. None for a run alone.

    Raises:
        ConfigError: the config differs from that of the run that goes on; another process has other items.
        CheckpointError: a plugin that the run was trained with is missing; the run to start from has no checkpoint.
    """
    group = group or Group()
    if plan.resume and group.first:
        require_resumable(folder, plan.resolved)
    interrupted = last_checkpoint(folder, group)
    start = RunFolder.open(Path(config.init.run)) if config.init.run else None
    source = start if interrupted is None else folder
    # blueprints tell how pretrained networks are built whose weights come from a run's checkpoint
    keep = folder.pretrained if group.first and not plan.resume else None
    with blueprints(keep=keep, reuse=source.pretrained if source else None):
        with group.first_before_others():
            data = _open_data(plan, config, folder, start) if group.first else RunData.reopen(config, folder)
        if group.size > 1:
            require_same_items(group, data.manifest.dataset)
        torch.manual_seed(config.seed)
        model = build_model(config, data.transforms, data.classes, data.class_counts).to(default_device())
    if interrupted is not None:
        checkpoint.load_weights(interrupted, model)
    elif start is not None:
        checkpoint.load_weights(checkpoint.to_use(start), model.backbone, prefix="backbone.")
    with group.first_before_others():
        if group.first:
            fit_descriptors(model.backbone, data)
    # Whatever a process may have initialised in another way: all of them begin as the first does.
    group.align([*model.parameters(), *model.buffers()])
    # what frozen encoders give is computed with the weights that are in place now
    return Setup(config, folder, data.with_frozen(FrozenOutputs.of(model, config)), model)


def hold(model: Model, group: Group, shard: bool) -> Replica:
    """What this process holds of a model that all processes have: a copy of it, or, where there are several, a shard.

    Args:
        model: as it begins or goes on; sharded in place.
        group: of the run.
        shard: whether the config asks for it.
    """
    if not (shard and isinstance(group, ProcessGroup)):
        return Replica(model)
    from m5kit.parallel.sharding import Shards  # 0.5 s that only a sharded run needs

    return Shards(model, model.units(), group)


def last_checkpoint(folder: RunFolder, group: Group) -> Path | None:
    """The newest whole checkpoint as the first process finds it; None if there is none."""
    found = checkpoint.latest(folder.checkpoints) if group.first else None
    name = group.of_first(None if found is None else found.name)
    return None if name is None else folder.checkpoints / name


def _open_data(plan: TrainingPlan, config: RunConfig, folder: RunFolder, start: RunFolder | None) -> RunData:
    """The data of the run that goes on, or that of a new one, whose folder is filled."""
    if plan.resume:
        data = RunData.reopen(config, folder)
        require_same_data(folder, data.manifest.dataset.fingerprint(), config.data.accept_changes)
        return data
    data = RunData.prepare(config, folder, start)
    begin_run(folder, plan.resolved, data.manifest.dataset.fingerprint())
    return data
