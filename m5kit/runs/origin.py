"""Tells the checkpoints of one run from those of another whose tensors have the same shapes."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from m5kit.config.reader import read_data
from m5kit.errors import M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json

RUN = "run"
"""Key of the state of a checkpoint: the origin of its run; earlier versions wrote none."""
BEGUN = "begun"
"""Key of the state of a checkpoint: how its run began; earlier versions wrote none."""

_MAY_CHANGE = ("name", "data", "init", "schedule", "parallel", "checkpoint", "logging", "validation", "evaluation")
"""Sections of a config that are edited when a run moves, goes on for longer, or is shared."""


def origin(run: Path) -> str | None:
    """A digest of what weights belong to: seed, parts, and what the transforms and labels of a run are.

    Args:
        run: its folder.

    Returns:
        None where there is no config that can be read.
    """
    folder = RunFolder(run)
    try:
        config: dict[str, Any] = read_data(folder.config)
        kept = {key: value for key, value in config.items() if key not in _MAY_CHANGE}
        digest = blake2b(json.dumps(kept, sort_keys=True, default=str).encode(), digest_size=16)
        for file in (folder.transforms, folder.classes):
            digest.update(file.read_bytes() if file.is_file() else b"")
    except (M5KitError, OSError, AttributeError):
        return None
    return digest.hexdigest()


def beginning(run: Path) -> str | None:
    """A digest of what a run began with: config, seed and items, as its provenance has them.

    Unlike :func:`origin` it tells apart runs that differ in nothing but their schedule or their items. It stays the
    same when ``config.yaml`` is edited later, and when the run goes on with changed items.

    Args:
        run: its folder.

    Returns:
        None where the provenance is missing, damaged, or does not say.
    """
    try:
        noted = read_json(RunFolder(run).provenance)
        items = [*noted.get("data_before", []), noted["data"]][0]
        begun = [noted["config"]["sha256"], noted["seed"], items]
    except (M5KitError, KeyError, TypeError):
        return None
    return blake2b(json.dumps(begun, sort_keys=True).encode(), digest_size=16).hexdigest()


def of_another_run(state: Mapping[str, Any], run: Path) -> str | None:
    """Why the state of a checkpoint cannot be of the run in this folder; None if it may be.

    Args:
        state: of a checkpoint.
        run: folder of the run that it lies in.
    """
    folder = RunFolder(run)
    if state.get(RUN) not in (None, origin(run)):
        return (
            "it is of another run, with another seed, other parts, or transforms that learned something else; or "
            f"{folder.config.name}, {folder.transforms.name} or {folder.classes.name} was changed since"
        )
    begun = beginning(run)
    # a provenance that cannot be read is named by whoever opens the run
    if begun is not None and state.get(BEGUN) not in (None, begun):
        return "it is of another run, which began with another config, such as another schedule, or with other items"
    return None
