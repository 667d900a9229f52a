"""Trains the model that a config describes, from the first step or from the last checkpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console

from m5kit.api import Hook
from m5kit.assembly.data import RunData
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.model import build_hooks, build_model
from m5kit.config import Resolved, RunConfig, check_config, dump
from m5kit.data.failures import FailureLog
from m5kit.errors import CheckpointError, ConfigError
from m5kit.models.base import Model
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.parallel.threads import share_cores
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json
from m5kit.runs.log import LOGGER, logging_to
from m5kit.runs.provenance import collect, require_plugins
from m5kit.train.callbacks.checkpoint import CheckpointHook
from m5kit.train.callbacks.failures import FailuresHook
from m5kit.train.callbacks.metrics import MetricsHook
from m5kit.train.callbacks.parts import PartsHook
from m5kit.train.loop import StepLoop
from m5kit.train.module import TrainingModule
from m5kit.train.optim import build_optim_wrapper, build_schedulers
from m5kit.train.progress import Progress
from m5kit.train.runner import QuietRunner

_FREE_ON_RESUME = ("checkpoint.", "logging.", "evaluation", "data.workers", "data.root")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How training ended.

    Attributes:
        folder: of the run.
        stopped_by: the signal that ended it early; None if it came to its last step.
    """

    folder: RunFolder
    stopped_by: int | None


def train(resolved: Resolved, path: Path, resume: bool, console: Console) -> Outcome:
    """Train.

    Args:
        resolved: the config.
        path: the run's folder.
        resume: continue the run in it; otherwise there must be none.
        console: where progress is shown.

    Raises:
        ConfigError: the config has mistakes, or differs from that of the run to be resumed.
        CheckpointError: there is no run to resume, or there is one and ``resume`` is off.
    """
    if resume:
        require_plugins(read_json(RunFolder.open(path).provenance))
    config = check_config(resolved)
    share_cores()
    folder = RunFolder.open(path) if resume else RunFolder.create(path)
    with blueprints(keep=None if resume else folder.pretrained, reuse=_blueprints(config, folder)):
        if resume:
            _require_same_config(resolved, folder)
            data = RunData.reopen(config, folder)
        else:
            data = _begin(resolved, config, folder)
        with logging_to(folder.log):
            torch.manual_seed(config.seed)
            model = build_model(config, data.transforms, data.classes)
            _load_first(model, config, folder)
            _introduce(config, data, model, console)
            data = replace(data, frozen=FrozenOutputs.of(model, config))
    return Outcome(folder, _run(config, folder, data, model, console))


def _blueprints(config: RunConfig, folder: RunFolder) -> Path | None:
    """Where to find the networks of pretrained encoders whose numbers will come from a checkpoint of a run."""
    if checkpoint.latest(folder.checkpoints) is not None:
        return folder.pretrained
    return RunFolder(Path(config.init.run)).pretrained if config.init.run else None


def _load_first(model: Model, config: RunConfig, folder: RunFolder) -> None:
    """The weights that the run begins or goes on with; frozen networks are run before all else is restored."""
    found = checkpoint.latest(folder.checkpoints)
    if found is not None:
        checkpoint.load_weights(found, model)
    elif config.init.run is not None:
        start_from(model, RunFolder.open(Path(config.init.run)))


def start_from(model: Model, source: RunFolder) -> None:
    """Take over the backbone of another run's last checkpoint."""
    found = checkpoint.latest(source.checkpoints)
    if found is None:
        raise CheckpointError(f"{source.path} has no checkpoint to start from; train it first")
    checkpoint.load_weights(found, model.backbone, prefix="backbone.")


def _begin(resolved: Resolved, config: RunConfig, folder: RunFolder) -> RunData:
    """Fill a new run folder: what the transforms learn, provenance, and last the config that makes it a run."""
    learned_by = RunFolder.open(Path(config.init.run)) if config.init.run else None
    data = RunData.prepare(config, folder, learned_by)
    write_json(folder.provenance, collect(resolved, data.manifest.dataset.fingerprint()))
    folder.config.write_text(dump(resolved), encoding="utf-8")
    return data


def _introduce(config: RunConfig, data: RunData, model: Model, console: Console) -> None:
    """Say what is about to be trained on what."""
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    items = len(data.training_items)
    line = (
        f"{config.name}: {', '.join(model.modalities)}; {parameters / 1e6:.1f} M parameters; "
        f"{items} items; {config.schedule.max_steps} steps of {config.schedule.batch_size * config.schedule.accumulate}"
    )
    LOGGER.info(line)
    console.print(line, highlight=False, soft_wrap=True)


def _run(config: RunConfig, folder: RunFolder, data: RunData, model: Model, console: Console) -> int | None:
    schedule = config.schedule
    module = TrainingModule(model, config.seed)
    wrapper = build_optim_wrapper(model, schedule)
    hooks = build_hooks(config)
    metrics = MetricsHook(folder, config.logging.every_steps, Progress(console))
    saver = CheckpointHook(folder.checkpoints, config.checkpoint.every_steps, config.checkpoint.keep, hooks)
    failures = FailureLog(folder.failures, config.data.max_failed)
    runner = QuietRunner(
        folder.path,
        resume_from=_restore_latest(folder, hooks),
        model=module,
        train_dataloader=data.train_loader(),
        train_cfg={"type": StepLoop, "max_steps": schedule.max_steps, "accumulate": schedule.accumulate},
        optim_wrapper=wrapper,
        param_scheduler=build_schedulers(wrapper, schedule),
        default_hooks=dict.fromkeys(("runtime_info", "timer", "sampler_seed", "logger", "checkpoint")),
        custom_hooks=[
            FailuresHook(failures),
            metrics,
            PartsHook(hooks, folder.path, metrics, console.print),
            saver,
        ],
        randomness={"seed": config.seed},
    )
    runner.train()
    LOGGER.info("decoded and failed: %s", failures.summary())
    return saver.stopped_by


def _restore_latest(folder: RunFolder, hooks: Mapping[str, Hook]) -> Callable[[QuietRunner], int]:
    def restore(runner: QuietRunner) -> int:
        found = checkpoint.latest(folder.checkpoints)
        if found is None:
            return 0
        optimizer = runner.optim_wrapper.optimizer
        return checkpoint.restore(found, runner.model.model, optimizer, runner.param_schedulers, hooks)

    return restore


def _require_same_config(resolved: Resolved, folder: RunFolder) -> None:
    """Resuming with other values would not continue the run; name the first of them."""
    before = _flat(yaml.safe_load(folder.config.read_text(encoding="utf-8")))
    now = _flat(yaml.safe_load(dump(resolved)))
    changed = sorted(
        key
        for key in before.keys() | now.keys()
        if before.get(key) != now.get(key) and not key.startswith(_FREE_ON_RESUME)
    )
    if changed:
        raise ConfigError(
            [
                f"{key}: the run in {folder.path} has {before.get(key)!r}, now it is {now.get(key)!r}; "
                f"a run resumes as it began"
                for key in changed
            ]
        )


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(tree, Mapping):
        return {prefix.removesuffix("."): tree}
    return {k: v for key, value in tree.items() for k, v in _flat(value, f"{prefix}{key}.").items()}
