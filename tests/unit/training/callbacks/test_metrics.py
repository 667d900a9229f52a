"""Logged values are those of all processes, and all of them know them."""

import json

import torch
from rich.console import Console
from torch import nn
from torch.optim import SGD

from m5kit.parallel.group import Group
from m5kit.runs.folder import RunFolder
from m5kit.structures import Batch
from m5kit.training.callbacks.base import StepData, TrainState
from m5kit.training.callbacks.metrics import MetricsCallback
from m5kit.training.progress import Progress


def log(group, folder):
    """A step of 2 items on the first process and of 3 on the second, which alone has ``loss/x``."""
    state = TrainState(None, SGD(nn.Linear(1, 1).parameters(), lr=0.5), max_steps=1)
    callback = MetricsCallback(RunFolder(folder), 1, Progress(Console(quiet=True)), group=group)
    callback.before_train(state)
    state.step, count = 1, 2 + group.rank
    outputs = {"loss": torch.tensor(4.0), "accuracy": torch.tensor(float(group.rank))}
    state.counts = {"accuracy": float(count)}
    if group.rank == group.size - 1:
        outputs["loss/x"], state.counts["loss/x"] = torch.tensor(7.0), 3.0
    batch = Batch(("i",) * count, (), torch.zeros(count, 0, dtype=torch.bool), {})
    callback.after_step(state, StepData(0, (batch,)), outputs)
    callback.after_train(state)
    return {name: value for name, value in callback.figures.items() if name not in ("items_per_second", "data_wait")}


def test_means_are_those_over_the_items_of_all(on_ranks, tmp_path):
    first, second = on_ranks(2, log, tmp_path)
    assert first == second == {"loss": 4.0, "accuracy": 3 / 5, "loss/x": 7.0, "lr": 0.5}
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line).items() >= first.items()


def test_one_process_logs_its_own(tmp_path):
    assert log(Group(), tmp_path) == {"loss": 4.0, "accuracy": 0.0, "loss/x": 7.0, "lr": 0.5}
