"""Builds the model of a run with the weights of its last checkpoint."""

from pathlib import Path
from typing import cast

import torch
from torch import nn

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import RunConfig
from m5kit.models.base import Model
from m5kit.nn.pretrained.blueprints import blueprints
from m5kit.parallel.device import default_device
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json
from m5kit.runs.log import LOGGER, once
from m5kit.runs.origin import changed_since

KNOWN = ("descriptors", "common")
"""The parts of public vectors that learned from the corpus before the first step."""


def load_model(config: RunConfig, data: RunData, folder: RunFolder, untrained: bool) -> Model:
    """The model of a run, in eval mode, on the device.

    Args:
        config: of the run.
        data: its transforms and classes decide sizes.
        folder: of the run.
        untrained: leave the weights as the run began with them.

    Raises:
        CheckpointError: the run has no checkpoint, or the checkpoint belongs to another model.
    """
    # untrained weights must be the ones that the run began with
    torch.manual_seed(config.seed)
    # a checkpoint holds all numbers, so pretrained networks are built without their original weights
    with blueprints(reuse=None if untrained else folder.pretrained):
        model = build_model(config, data.transforms, data.classes)
    if not untrained:
        used = checkpoint.to_use(folder)
        checkpoint.load_weights(used, model)
        _tell_changes(folder, used)
    else:  # what descriptors know of the corpus was there before the first step
        for name in KNOWN:
            part = cast(nn.Module | None, getattr(model.backbone.vectors, name))
            if part is not None:
                checkpoint.load_weights(checkpoint.to_use(folder), part, f"backbone.vectors.{name}.")
    model.to(default_device()).eval()
    return model


def _tell_changes(folder: RunFolder, used: Path) -> None:
    """Log which parts of config and provenance were edited, or cut, since the checkpoint that is used was written."""
    said = "note: %s of the run in %s is not as it was when %s was written"
    for what in changed_since(read_json(used / "state.json"), folder.path):
        LOGGER.warning(said, what, folder.path, used.name, extra=once((used.resolve(), what)))
