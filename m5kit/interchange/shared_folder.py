"""Writes what is needed to use a run, and nothing else: no optimizer, no paths of the machine, no items."""

import json
import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from m5kit.config.reader import read_data, write
from m5kit.errors import CheckpointError
from m5kit.interchange.card import model_card
from m5kit.public.run import Run
from m5kit.runs.checksums import write_checksums
from m5kit.runs.damage import FORMAT
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json, write_json

KEPT = ("m5kit", "seed", "plugins", "data", "python", "libraries")
"""What stays of a run's provenance; its command and its machine are nobody's business."""

NO_ITEMS = "data"
"""The data folder that a shared config names; whoever evaluates gives another."""


def share_run(run: Run, out: Path) -> Path:
    """Write a run that :func:`m5kit.load` opens, without what only training needs, and a model card.

    Args:
        run: loaded.
        out: a new or empty folder.

    Returns:
        The folder.

    Raises:
        CheckpointError: the folder holds something.
    """
    if out.exists() and any(out.iterdir()):
        raise CheckpointError(f"{out} is not empty; name a new folder")
    source, target = run.trained.folder, RunFolder(out)
    target.checkpoints.mkdir(parents=True)
    target.config.write_text(write(_shared_config(source)), encoding="utf-8")
    provenance = read_json(source.provenance)
    write_json(target.provenance, {key: provenance[key] for key in KEPT if key in provenance})
    for file in (source.transforms, source.classes, source.results):
        if file.exists():
            shutil.copyfile(file, out / file.name)
    if source.pretrained.exists():
        shutil.copytree(source.pretrained, target.pretrained)
    _write_weights(run.trained.model, target.checkpoints / "step_0000000")
    (out / "README.md").write_text(model_card(run), encoding="utf-8")
    return out


def _shared_config(source: RunFolder) -> dict[str, Any]:
    """The config of a run without the places of its data and of the run that it began from."""
    config: dict[str, Any] = read_data(source.config)
    config["data"] = {**config["data"], "root": NO_ITEMS}
    if "init" in config:
        config["init"] = {**config["init"], "run": None}
    return config


def _write_weights(model: nn.Module, checkpoint: Path) -> None:
    """A checkpoint of the weights that the run is used with, such as averaged ones, and nothing to go on training."""
    checkpoint.mkdir()
    weights = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, checkpoint / "model.safetensors")
    state = {"format": FORMAT, "step": 0, "parameters": sum(parameter.numel() for parameter in model.parameters())}
    write_json(checkpoint / "state.json", state)
    write_checksums(checkpoint)


def add_json(path: Path, content: Any) -> None:
    """Write JSON for another library, as people read it."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
