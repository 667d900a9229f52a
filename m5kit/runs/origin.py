"""Tells the checkpoints of one run from those of another whose tensors have the same shapes."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from m5kit.config.reader import read_data
from m5kit.errors import CheckpointError, M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json

RUN = "run"
"""Key of the state of a checkpoint: the origin of its run; earlier versions wrote none."""
BEGUN = "begun"
"""Key of the state of a checkpoint: how its run began; earlier versions wrote none."""
NOTED = "noted"
"""Key of the state of a checkpoint: digests of what else its run folder says; earlier versions wrote none."""

_MOVES = ("name", "data", "init")
"""Sections of a config that say where things lie, and change when a run moves or is shared."""
_MAY_CHANGE = (*_MOVES, "schedule", "parallel", "checkpoint", "logging", "validation", "evaluation")
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
        provenance = read_json(RunFolder(run).provenance)
        items = [*provenance.get("data_before", []), provenance["data"]][0]
        begun = [provenance["config"]["sha256"], provenance["seed"], items]
    except (M5KitError, KeyError, TypeError):
        return None
    return _digest(begun)


def noted(run: Path) -> dict[str, str]:
    """Digests of the parts of config and provenance that no weight depends on, but what a run is used for does.

    Args:
        run: its folder.

    Returns:
        By a name for messages; nothing of a file that cannot be read.
    """
    folder = RunFolder(run)
    parts: dict[str, Any] = {}
    try:
        config, provenance = read_data(folder.config), read_json(folder.provenance)
        for section in sorted({*_MAY_CHANGE}.difference(_MOVES)):
            parts[f"{section} in {folder.config.name}"] = config.get(section)
        # a run that goes on with changed items writes them down
        kept = {key: value for key, value in provenance.items() if key not in ("data", "data_before")}
        parts[folder.provenance.name] = kept
    except (M5KitError, OSError, AttributeError):
        return {}
    return {name: _digest(value) for name, value in parts.items()}


def changed_since(state: Mapping[str, Any], run: Path) -> list[str]:
    """What of config and provenance is not as it was when a checkpoint was written, by a name for messages.

    Args:
        state: of a checkpoint.
        run: folder of the run that it lies in.
    """
    before, now = state.get(NOTED), noted(run)
    if not isinstance(before, Mapping) or not now:
        return []
    return sorted(name for name, digest in before.items() if now.get(name) != digest)


def _is_read(file: Path) -> bool:
    try:
        read_json(file)
    except CheckpointError:
        return False
    return True


def _digest(value: Any) -> str:
    return blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


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
    if begun is None and state.get(BEGUN) is not None and _is_read(folder.provenance):
        return f"{folder.provenance.name} was changed since: it no longer says what the run began with"
    # a provenance that cannot be read is named by whoever opens the run
    if begun is not None and state.get(BEGUN) not in (None, begun):
        return (
            "it is of another run, which began with another config, such as another schedule, or with other items; or "
            f"{folder.provenance.name} is of another run, or was changed since"
        )
    return None
