import pytest
from torch import nn

from m5kit.errors import ConfigError
from m5kit.hooks.base import Training
from m5kit.hooks.early_stopping import EarlyStoppingHook


def _feed(hook, values, tmp_path, name="loss"):
    training = Training(nn.Identity(), tmp_path, 1000)
    for step, value in enumerate(values, start=1):
        training.step = step
        hook.after_figures(training, {name: value})
        if training.stopped:
            return step, training.stopped
    return None


def test_it_waits_as_long_as_it_is_told(tmp_path):
    hook = EarlyStoppingHook(patience=3, smoothing=0.0)
    found = _feed(hook, [5.0, 4.0, 4.5, 4.5, 3.0, 3.0, 3.0, 3.0, 1.0], tmp_path)
    assert found == (8, "loss has not improved for 3 logged steps")


def test_higher_may_be_better(tmp_path):
    hook = EarlyStoppingHook(figure="accuracy", better="higher", patience=2, smoothing=0.0)
    assert _feed(hook, [0.1, 0.2, 0.3, 0.3, 0.2], tmp_path, "accuracy")[0] == 5


def test_noise_is_smoothed(tmp_path):
    noisy = [10 - 0.5 * step + (-3 if step % 2 else 3) for step in range(16)]
    assert _feed(EarlyStoppingHook(patience=2, smoothing=0.8), noisy, tmp_path) is None
    assert _feed(EarlyStoppingHook(patience=1, smoothing=0.0), noisy, tmp_path)[0] == 3


def test_a_small_gain_can_be_too_little(tmp_path):
    falling = [5 - 0.01 * step for step in range(9)]
    assert _feed(EarlyStoppingHook(patience=3, smoothing=0.0), falling, tmp_path) is None
    assert _feed(EarlyStoppingHook(patience=3, smoothing=0.0, least=0.1), falling, tmp_path)[0] == 4


def test_a_run_that_was_ended_stays_ended(tmp_path):
    hook = EarlyStoppingHook(patience=1, smoothing=0.0)
    _feed(hook, [1.0, 2.0], tmp_path)
    other, training = EarlyStoppingHook(patience=1, smoothing=0.0), Training(nn.Identity(), tmp_path, 1000, 2)
    other.load_state_dict(hook.state_dict())
    other.before_train(training)
    assert training.stopped


def test_a_figure_that_never_comes_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no step has a figure 'loss/contrastive'; there are: loss"):
        _feed(EarlyStoppingHook(figure="loss/contrastive", patience=2), [1.0] * 3, tmp_path)


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match=r"got 0, 0\.8, 0\.0"):
        EarlyStoppingHook(patience=0)


def test_held_out_values_may_come_late_but_must_exist(tmp_path):
    hook, training = EarlyStoppingHook(figure="val/knn/kind", patience=2), Training(nn.Linear(1, 1), tmp_path, 100)
    for _ in range(5):
        hook.after_figures(training, {"loss": 1.0})
    hook.after_figures(training, {"loss": 1.0, "val/knn/kind": 0.5})
    wrong = EarlyStoppingHook(figure="val/knn/kin", patience=2)
    wrong.after_figures(training, {"loss": 1.0})
    with pytest.raises(ConfigError, match="no step has a figure 'val/knn/kin'"):
        wrong.after_figures(training, {"loss": 1.0, "val/knn/kind": 0.5})
