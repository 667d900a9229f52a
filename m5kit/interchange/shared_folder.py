"""Writes what is needed to use a run, and nothing else: no state of an optimizer, no paths of the machine, no items."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from m5kit.config.reader import read_data, write
from m5kit.data.aside import naming
from m5kit.errors import CheckpointError
from m5kit.interchange.card import model_card
from m5kit.public.run import Run
from m5kit.refusals import ELSEWHERE
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import write_json
from m5kit.runs.random_state import fixed_random_state

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
    with written_aside(out) as folder:
        write_run(run, folder)
    return out


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A folder beside ``out`` that takes its place once all is written: nobody opens half of an export.

    Args:
        out: a new or empty folder.

    Raises:
        CheckpointError: the folder holds something.
    """
    if os.path.lexists(out) and (not out.is_dir() or any(out.iterdir())):
        raise CheckpointError(f"{out} is no folder, or is not empty; name a new folder")
    part = out.parent / f".{out.name}.{os.getpid()}.part"
    with naming(out):
        part.mkdir(parents=True)
    try:
        with naming(out):
            yield part
        try:
            os.replace(part, out)
        except OSError as error:  # another export was quicker, or a link stands there
            raise CheckpointError(f"{out} cannot be written: {error.strerror}; name a new folder") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_run(run: Run, out: Path) -> None:
    """Write a run into an empty folder."""
    source, target = run.trained.folder, RunFolder(out)
    target.checkpoints.mkdir(parents=True)
    target.config.write_text(write(_shared_config(source)), encoding="utf-8")
    provenance = source.read(source.provenance)
    write_json(target.provenance, {key: provenance[key] for key in KEPT if key in provenance})
    _refuse_links(source)
    for file in (source.transforms, source.classes, source.results):
        if file.exists():
            shutil.copyfile(file, out / file.name)
    if source.pretrained.exists():
        shutil.copytree(source.pretrained, target.pretrained)
    # The weights that the run is used with, such as averaged ones, as a checkpoint from which nobody has trained.
    unused = torch.optim.SGD(run.trained.model.parameters())
    with fixed_random_state():
        checkpoint.save(target.checkpoints, 0, run.trained.model, unused, keep=1, otherwise=ELSEWHERE)
    (out / "README.md").write_text(model_card(run), encoding="utf-8")


def _refuse_links(source: RunFolder) -> None:
    """A run folder of a stranger could have a private file of this user copied into one that is shared."""
    copied = [source.transforms, source.classes, source.results, source.pretrained, *source.pretrained.rglob("*")]
    links = [str(path) for path in copied if path.is_symlink()]
    if links:
        raise CheckpointError(f"{', '.join(links)}: no link is copied into a folder to share; put a file there")


def _shared_config(source: RunFolder) -> dict[str, Any]:
    """The config of a run without the places of its data and of the run that it began from."""
    config: dict[str, Any] = read_data(source.config)
    config["data"] = {**config["data"], "root": NO_ITEMS}
    if "init" in config:
        config["init"] = {**config["init"], "run": None}
    return config


def add_json(path: Path, content: Any) -> None:
    """Write JSON for another library, as people read it."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
