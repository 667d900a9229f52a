"""Run folders as training leaves them, made without training: their numbers do not matter, only that they agree."""

import json

import pytest
import torch

from m5kit.config import load_config
from m5kit.config.check import check_config
from m5kit.data.demo.make import make_demo
from m5kit.public.loading import load
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.training.setup import TrainingPlan, set_up

SMALL = ["model.dim=16", "model.features=8", "schedule.max_steps=2", "data.workers=0"]
MEDIA = ("image", "video", "audio")


def made(folder, config, demo, *overrides):
    """A run folder with the weights that its training would begin with."""
    resolved = load_config(config, [*SMALL, *overrides], demo)
    begun = RunFolder.create(folder)
    setup = set_up(TrainingPlan(resolved, folder, resume=False), check_config(resolved), begun)
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=0.1)
    checkpoint.save(begun.checkpoints, 0, setup.model, optimizer, keep=1)
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "demo"
    make_demo(folder, items=48, seed=3, workers=1)
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, demo):
    return made(tmp_path_factory.mktemp("runs") / "scale", "demo/scale", demo)


@pytest.fixture(scope="session")
def classifier_folder(tmp_path_factory, demo, run_folder):
    folder = tmp_path_factory.mktemp("runs") / "finetuned"
    return made(folder, "demo/finetune", demo, f"init.run={run_folder}")


@pytest.fixture(scope="session")
def run(run_folder):
    return load(run_folder)


@pytest.fixture(scope="session")
def rows(demo):
    """The manifest's rows."""
    return [json.loads(line) for line in (demo / "annotations.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def items(demo, rows):
    """The manifest's rows as items, media by their absolute paths."""
    found = []
    for row in rows:
        values = {name: row[name] for name in (*MEDIA, "text", "table") if row.get(name) is not None}
        found.append({name: demo / value if name in MEDIA else value for name, value in values.items()})
    return found
