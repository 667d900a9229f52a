"""A small demo set, an untrained run on it, an index of its items, and a client of a service on the index."""

import json

import pytest
import torch
from starlette.testclient import TestClient

from m5kit.config import load_config
from m5kit.config.check import check_config
from m5kit.data.demo.make import make_demo
from m5kit.index.index import Index
from m5kit.public.loading import load
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.serve.app import make_app
from m5kit.serve.settings import Settings
from m5kit.training.setup import TrainingPlan, set_up

SMALL = ["model.dim=16", "model.features=8", "schedule.max_steps=2", "data.workers=0"]
LIMITS = Settings(max_bytes=200_000, max_items=8, max_top=30, seconds=60)


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop") / "demo"
    make_demo(folder, items=40, seed=5, workers=1)
    return folder


def untrained(config, folder, shop, *overrides):
    plan = TrainingPlan(load_config(config, [*SMALL, *overrides], shop), folder, resume=False)
    model = set_up(plan, check_config(plan.resolved), RunFolder.create(folder)).model
    checkpoint.save(RunFolder(folder).checkpoints, 0, model, torch.optim.SGD(model.parameters(), lr=0.1), keep=1)
    return folder


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, shop):
    return untrained("demo/scale", tmp_path_factory.mktemp("runs") / "scale", shop)


@pytest.fixture(scope="session")
def run(run_folder):
    return load(run_folder)


@pytest.fixture(scope="session")
def index(tmp_path_factory, run_folder, run):
    place = tmp_path_factory.mktemp("index") / "shop.index"
    Index.build(place, run_folder)
    return Index.open(place, run)


@pytest.fixture(scope="session")
def rows(shop):
    """The manifest's rows by id."""
    lines = (shop / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


@pytest.fixture(scope="session")
def client(index):
    with TestClient(make_app(index, LIMITS)) as opened:
        yield opened
