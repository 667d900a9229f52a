import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError
from m5kit.hooks.base import Training
from m5kit.hooks.ema import EmaHook


def _model() -> nn.Linear:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 0.0)
    return model


def _run(hook, model, weights, tmp_path):
    training = Training(model, tmp_path, 99)
    hook.before_train(training)
    for weight in weights:
        with torch.no_grad():
            model.weight.fill_(weight)
        training.step += 1
        hook.after_step(training)
    return hook.state_dict()["weights.weight"].item()


def test_the_average_by_hand(tmp_path):
    # steps 1 and 2 keep (1 + n) / (10 + n): 2/11 and 3/12 of the average
    average = 2 / 11 * 0 + 9 / 11 * 1.0
    average = 3 / 12 * average + 9 / 12 * 2.0
    assert _run(EmaHook(), _model(), [1.0, 2.0], tmp_path) == pytest.approx(average)


def test_decay_is_the_most_that_is_kept(tmp_path):
    assert _run(EmaHook(decay=0.1), _model(), [1.0, 2.0], tmp_path) == pytest.approx(0.1 * 0.9 + 0.9 * 2.0)


def test_what_is_not_trained_is_given_as_it_is(tmp_path):
    model = _model()
    model.weight.requires_grad_(False)
    assert _run(EmaHook(), model, [1.0, 2.0], tmp_path) == 2.0


def test_the_trained_weights_are_left_alone(tmp_path):
    model = _model()
    _run(EmaHook(), model, [1.0, 2.0], tmp_path)
    assert model.weight.item() == 2.0


def test_a_decay_that_keeps_everything_is_refused():
    with pytest.raises(ConfigError, match="decay must be at least 0 and below 1, got 1"):
        EmaHook(decay=1.0)


def test_a_shared_weight_has_its_average_under_every_name(tmp_path):
    model = nn.ModuleDict({"one": nn.Linear(1, 1), "two": nn.Linear(1, 1)})
    model["two"].weight = model["one"].weight
    hook = EmaHook()
    training = Training(model, tmp_path, 99)
    hook.before_train(training)
    with torch.no_grad():
        model["one"].weight.fill_(5.0)
    training.step = 1
    hook.after_step(training)
    state = hook.state_dict()
    assert state["weights.one.weight"] is state["weights.two.weight"]
    assert state["weights.one.weight"].item() != 5.0
