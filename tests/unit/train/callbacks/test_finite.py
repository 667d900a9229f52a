"""A step that is not finite ends the run at the next look, with its number, its values and its items."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from m5kit.errors import M5KitError
from m5kit.train.callbacks.base import StepData, TrainState
from m5kit.train.callbacks.finite import FiniteCallback


def _go(callback, steps, last=100):
    state = TrainState(nn.Linear(1, 1), optimizer=None, max_steps=last)
    for number, (loss, norm) in enumerate(steps):
        state.step = number + 1
        data = StepData(number, (SimpleNamespace(ids=(f"item {number}",)),))
        callback.after_step(state, data, {"loss": torch.tensor(loss), "grad_norm": torch.tensor(norm)})


def test_a_finite_run_goes_on():
    callback = FiniteCallback(2)
    _go(callback, [(1.0, 1.0)] * 5)
    callback.require()


def test_an_infinite_loss_is_found_at_the_next_look():
    with pytest.raises(
        M5KitError, match=r"the loss is not finite at step 2 \(loss = nan\); the step's items .* item 1"
    ):
        _go(FiniteCallback(4), [(1.0, 1.0), (float("nan"), 1.0), (1.0, 1.0), (1.0, 1.0)])


def test_an_infinite_gradient_is_found_before_a_checkpoint():
    callback = FiniteCallback(10)
    _go(callback, [(1.0, float("inf"))])
    with pytest.raises(M5KitError, match=r"the gradient is not finite at step 1 \(grad_norm = inf\)"):
        callback.require()


def test_the_last_step_is_looked_at():
    with pytest.raises(M5KitError, match="at step 3"):
        _go(FiniteCallback(10), [(1.0, 1.0), (1.0, 1.0), (1.0, float("nan"))], last=3)
