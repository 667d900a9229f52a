"""The best checkpoint stays beside the newest ones, also after an interruption."""

import json

import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.checkpoint import BestValue, CheckpointCallback


def _run(tmp_path, values, name="val/knn/kind", best_before=None):
    model = nn.Linear(2, 2)
    state = TrainState(model, torch.optim.SGD(model.parameters(), lr=0.1), max_steps=len(values))
    figures = {}
    best = BestValue(name, lambda: figures)
    best.value = best_before
    callback = CheckpointCallback(tmp_path, 100, 1, {"run/best": best}, lambda: None, best)
    for value in values:
        figures.clear()
        if value is not None:
            figures[name] = value
        state.step += 1
        callback.after_step(state, None, {})
    return best


def _step(path):
    return json.loads((path / "state.json").read_text())["step"]


def test_the_best_one_stays(tmp_path):
    best = _run(tmp_path, [0.1, None, 0.5, 0.3, None])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "step_0000005"]
    assert (_step(tmp_path / "best"), best.value) == (3, 0.5)


def test_a_loss_is_best_when_it_is_lowest(tmp_path):
    _run(tmp_path, [3.0, 1.0, 2.0], name="val/loss/masked")
    assert _step(tmp_path / "best") == 2


def test_a_resumed_run_knows_what_was_best(tmp_path):
    _run(tmp_path, [0.4, 0.6, 0.5], best_before=0.55)
    assert _step(tmp_path / "best") == 2


def test_a_run_is_used_with_its_best_checkpoint(tmp_path):
    folder = RunFolder(tmp_path)
    _run(folder.checkpoints, [0.5, 0.1])
    assert checkpoint.to_use(folder).name == "best"
    assert checkpoint.latest(folder.checkpoints).name == "step_0000002"


def test_a_value_that_does_not_exist_is_named(tmp_path):
    best = BestValue("val/knn/kin", lambda: {"loss": 1.0, "val/knn/kind": 0.5})
    with pytest.raises(ConfigError, match=r"no value 'val/knn/kin'; there are val/knn/kind"):
        best.improves()
