"""A step that is not finite ends the run at the next look, with its number, its values and its items."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from m5kit.errors import M5KitError
from m5kit.training.callbacks.base import StepData, TrainState
from m5kit.training.callbacks.finite import FiniteCallback


def _go(callback, steps, last=100):
    state = TrainState(nn.Linear(1, 1), optimizer=None, max_steps=last)
    for number, (loss, norm) in enumerate(steps):
        state.step = number + 1
        data = StepData(number, (SimpleNamespace(ids=(f"item {number}",)),))
        callback.after_step(state, data, {"loss": torch.tensor(loss), "grad_norm": torch.tensor(norm)})


def test_a_finite_run_goes_on(tmp_path):
    callback = FiniteCallback(2, tmp_path)
    _go(callback, [(1.0, 1.0)] * 5)
    callback.require()


def test_an_infinite_loss_is_found_at_the_next_look(tmp_path):
    with pytest.raises(
        M5KitError, match=r"the loss is not finite at step 2 \(loss = nan\); the step's items .* item 1"
    ):
        _go(FiniteCallback(4, tmp_path), [(1.0, 1.0), (float("nan"), 1.0), (1.0, 1.0), (1.0, 1.0)])


def test_an_infinite_gradient_is_found_before_a_checkpoint(tmp_path):
    callback = FiniteCallback(10, tmp_path)
    _go(callback, [(1.0, float("inf"))])
    with pytest.raises(M5KitError, match=r"the gradient is not finite at step 1 \(grad_norm = inf\)"):
        callback.require()


def test_the_last_step_is_looked_at(tmp_path):
    with pytest.raises(M5KitError, match="at step 3"):
        _go(FiniteCallback(10, tmp_path), [(1.0, 1.0), (1.0, 1.0), (1.0, float("nan"))], last=3)


def test_the_weights_that_made_a_step_diverge_are_set_aside(tmp_path):
    for step in (1, 2, 3):
        (tmp_path / f"step_{step:07d}").mkdir()
    with pytest.raises(M5KitError, match=r"not finite at step 3 .*that of step 2 was set aside: .*diverged_0000002"):
        _go(FiniteCallback(3, tmp_path), [(1.0, 1.0), (1.0, 1.0), (float("nan"), 1.0)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["diverged_0000002", "step_0000001", "step_0000003"]
