import json

import pytest
import torch
from torch import nn

from m5kit.errors import ConfigError
from m5kit.hooks.base import Training
from m5kit.hooks.profile import ProfileHook


def _run(hook, tmp_path, steps, ends=None):
    training = Training(nn.Linear(4, 4), tmp_path, steps)
    hook.before_train(training)
    for _ in range(ends or steps):
        hook.before_step(training)
        with torch.profiler.record_function(f"step {training.step}"):
            training.model(torch.ones(1, 4))
        training.step += 1
        hook.after_step(training)
    hook.after_train(training)
    events = json.loads((tmp_path / "profile.json").read_text())["traceEvents"]
    return sorted({event["name"] for event in events if str(event.get("name")).startswith("step ")})


def test_the_steps_in_question_are_traced_and_no_others(tmp_path):
    assert _run(ProfileHook(start=2, steps=2), tmp_path, 6) == ["step 2", "step 3"]
    assert "aten::linear" in (tmp_path / "profile.txt").read_text()


def test_of_a_short_run_the_last_steps_are_traced(tmp_path):
    assert _run(ProfileHook(start=20, steps=2), tmp_path, 4) == ["step 2", "step 3"]


def test_a_run_that_ends_among_them_is_written_as_far_as_it_went(tmp_path):
    assert _run(ProfileHook(start=1, steps=5), tmp_path, 9, ends=3) == ["step 1", "step 2"]


def test_impossible_settings_are_refused():
    with pytest.raises(ConfigError, match="steps and rows not below 1, got 20, 0, 40"):
        ProfileHook(steps=0)
