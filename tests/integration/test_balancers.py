"""A run whose losses are balanced: its weights are among its figures, and it resumes to the same bits."""

import shutil

import pytest
from safetensors.torch import load_file

STATE = {
    "uncertainty": {"balancer.log_variances"},
    "gradnorm": {"balancer.log_weights", "balancer.first"},
    "dwa": {"balancer.sums", "balancer.counts", "balancer.batches", "balancer.means"},
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "precision"), [("uncertainty", "fp32"), ("gradnorm", "bf16"), ("dwa", "fp32")])
def test_a_balanced_run_resumes_to_the_same_bits(name, precision, demo, tool, short, tmp_path, metric_lines):
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    options = short(f"balancer={name}", f"schedule.precision={precision}", "evaluation=none", "data.workers=1")
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo]
    tool(*arguments, *options, "--run-dir", whole)
    last = load_file(whole / "checkpoints" / "step_0000006" / "model.safetensors")
    assert {key for key in last if key.startswith("balancer.")} == STATE[name]
    lines = metric_lines(whole)
    assert all(len([key for key in line if key.startswith("balance/")]) == 7 for line in lines)

    shutil.copytree(whole, resumed)
    shutil.rmtree(resumed / "checkpoints" / "step_0000006")
    tool(*arguments, *options, "--run-dir", resumed, "--resume")
    again = load_file(resumed / "checkpoints" / "step_0000006" / "model.safetensors")
    assert all(last[key].equal(again[key]) for key in last)
    assert metric_lines(resumed) == lines
