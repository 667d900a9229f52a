"""A hook sees the moments of a real run in order, may end it, and its mistakes carry its name."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from m5kit.api import Hook
from m5kit.errors import ConfigError
from m5kit.hooks.ema import EmaHook
from m5kit.training.callbacks.base import StepData, TrainState
from m5kit.training.callbacks.hooks import HooksCallback


class Diary(Hook):
    def __init__(self, stop_at=None):
        self.seen, self.stop_at = [], stop_at

    def before_train(self, training):
        self.seen.append(("before_train", training.step, training.max_steps))

    def before_step(self, training):
        self.seen.append(("before_step", training.step, training.ids))

    def after_step(self, training):
        self.seen.append(("after_step", training.step, sorted(training.logs)))
        if training.step == self.stop_at:
            training.stop("enough")
            training.stop("never said")

    def after_figures(self, training, figures):
        self.seen.append(("after_figures", training.step, figures))

    def after_train(self, training):
        self.seen.append(("after_train", training.step, training.stopped))


def _run(hooks, tmp_path, steps=2, figures=None):
    """What the training loop calls, with figures at the second step."""
    written, metrics = [], SimpleNamespace(figures=None)
    state = TrainState(nn.Linear(1, 1), optimizer=None, max_steps=steps)
    callback = HooksCallback(hooks, tmp_path, metrics, written.append)
    callback.before_train(state)
    while not state.last:
        number = state.step
        data = StepData(number, (SimpleNamespace(ids=(f"a{number}",)), SimpleNamespace(ids=(f"b{number}",))))
        callback.before_step(state, data)
        metrics.figures = figures if number == 1 else None
        state.step += 1
        callback.after_step(state, data, {"loss": torch.ones(())})
    callback.after_train(state)
    return written


def test_the_moments_of_a_run(tmp_path):
    diary = Diary()
    assert _run({"diary": diary}, tmp_path, figures={"loss": 1.0}) == []
    assert diary.seen == [
        ("before_train", 0, 2),
        ("before_step", 0, ("a0", "b0")),
        ("after_step", 1, ["loss"]),
        ("before_step", 1, ("a1", "b1")),
        ("after_step", 2, ["loss"]),
        ("after_figures", 2, {"loss": 1.0}),
        ("after_train", 2, None),
    ]


def test_a_hook_ends_the_run_and_the_user_is_told_why(tmp_path):
    diary = Diary(stop_at=3)
    assert _run({"diary": diary}, tmp_path, steps=9) == ["ended after step 3: enough"]
    assert diary.seen[-1] == ("after_train", 3, "enough")


def test_a_mistake_says_whose_it_is(tmp_path):
    class Broken(Hook):
        def after_step(self, training):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        _run({"mine": Broken()}, tmp_path)
    assert caught.value.__notes__ == ["raised by hooks.mine (Broken.after_step)"]


def test_two_hooks_cannot_both_offer_weights(tmp_path):
    with pytest.raises(ConfigError, match="hooks: a and b each offer weights of their own; keep one of them"):
        _run({"a": EmaHook(), "b": EmaHook()}, tmp_path)
