"""Puts together what a run trains: a new one from its config, or one that goes on from its folder."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from m5kit.assembly.data import RunData
from m5kit.assembly.frozen import FrozenOutputs
from m5kit.assembly.model import build_model
from m5kit.config import Resolved, RunConfig, check_config, dump
from m5kit.config.reader import read_data, read_value
from m5kit.config.tree import to_plain
from m5kit.errors import ConfigError
from m5kit.models.base import Model
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.parallel.device import default_device
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json
from m5kit.runs.provenance import collect, require_plugins

_FREE_ON_RESUME = ("checkpoint.", "logging.", "evaluation", "data.workers", "data.root")


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


def begin(resolved: Resolved, path: Path) -> Setup:
    """Make the folder of a new run and build its model.

    Raises:
        ConfigError: the config has mistakes.
        CheckpointError: the folder holds a run, or the run to start from has no checkpoint.
    """
    config, folder = check_config(resolved), RunFolder.create(path)
    source = _source(config)
    with blueprints(keep=folder.pretrained, reuse=source.pretrained if source else None):
        data = RunData.prepare(config, folder, source)
        write_json(folder.provenance, collect(resolved, data.manifest.dataset.fingerprint()))
        folder.config.write_text(dump(resolved), encoding="utf-8")  # last: with its config a folder is a run
        return _build(config, folder, data, source)


def reopen(resolved: Resolved, path: Path) -> Setup:
    """Build the model of a run that goes on.

    Raises:
        ConfigError: the config has mistakes, or differs from that of the run.
        CheckpointError: there is no run, or a plugin that it was trained with is missing.
    """
    folder = RunFolder.open(path)
    require_plugins(read_json(folder.provenance))
    config = check_config(resolved)
    _require_same_config(resolved, folder)
    interrupted = checkpoint.latest(folder.checkpoints) is not None
    source = folder if interrupted else _source(config)  # a run may have ended before its first checkpoint
    with blueprints(reuse=source.pretrained if source else None):
        return _build(config, folder, RunData.reopen(config, folder), source)


def _source(config: RunConfig) -> RunFolder | None:
    return RunFolder.open(Path(config.init.run)) if config.init.run else None


def _build(config: RunConfig, folder: RunFolder, data: RunData, source: RunFolder | None) -> Setup:
    """The model with the weights of its source; what frozen encoders give is computed with these."""
    torch.manual_seed(config.seed)
    model = build_model(config, data.transforms, data.classes, data.class_counts).to(default_device())
    if source == folder:
        checkpoint.load_weights(checkpoint.newest(source), model)
    elif source is not None:
        checkpoint.load_weights(checkpoint.newest(source), model.backbone, prefix="backbone.")
    return Setup(config, folder, replace(data, frozen=FrozenOutputs.of(model, config)), model)


def _require_same_config(resolved: Resolved, folder: RunFolder) -> None:
    """Resuming with other values would not continue the run; name the first of them."""
    before = _flat(read_data(folder.config))
    now = _flat(to_plain(read_value(dump(resolved), resolved.source)))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    problems = [
        f"{key}: the run in {folder.path} has {before.get(key)!r}, now it is {now.get(key)!r}; "
        "a run resumes as it began"
        for key in changed
        if not key.startswith(_FREE_ON_RESUME)
    ]
    if problems:
        raise ConfigError(problems)


def _flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Values by dotted key."""
    if not isinstance(tree, Mapping):
        return {prefix.removesuffix("."): tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.")
    return flat
