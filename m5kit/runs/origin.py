"""Tells the checkpoints of one run from those of another whose tensors have the same shapes."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from m5kit.config.reader import read_data
from m5kit.errors import M5KitError
from m5kit.runs.folder import RunFolder

RUN = "run"
"""Key of the state of a checkpoint: the origin of its run; earlier versions wrote none."""

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
