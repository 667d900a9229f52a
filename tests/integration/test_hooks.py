"""Hooks in a run as a user starts it: an average that evaluation uses, an early end, a trace; all of it resumes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from m5kit.evaluation.base import Embedded

CONFIGS = Path(__file__).parents[2] / "configs"
LEAF = """
_base_: demo/scale.yaml
hooks:
  average: {type: ema, decay: 0.9}
  enough: {type: early_stopping, patience: 2, smoothing: 0.0, least: 100.0}
  trace: {type: profile, start: 1, steps: 1}
"""


@pytest.mark.slow
def test_a_run_with_hooks(demo, tool, short, tmp_path, metric_lines, trained):
    leaf, whole, resumed = tmp_path / "leaf.yaml", tmp_path / "whole", tmp_path / "resumed"

    leaf.write_text(LEAF.replace("demo/scale", str((CONFIGS / "demo/scale").resolve())), encoding="utf-8")
    arguments = ["tools/train.py", leaf, "--data", demo, *short("evaluation=none", "checkpoint.every_steps=2")]
    said = tool(*arguments, "--run-dir", whole).stdout
    assert "ended after step 3: loss has not improved for 2 logged steps" in said
    assert [line["step"] for line in metric_lines(whole)] == [1, 2, 3]
    assert metric_lines(whole) == metric_lines(trained[0])[:3]
    assert json.loads((whole / "profile.json").read_text())["traceEvents"]

    shutil.copytree(whole, resumed)
    shutil.rmtree(resumed / "checkpoints" / "step_0000003")
    assert "ended after step 3" in tool(*arguments, "--run-dir", resumed, "--resume").stdout
    for name in ("model", "hooks"):
        one, other = (load_file(run / "checkpoints/step_0000003" / f"{name}.safetensors") for run in (whole, resumed))
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) for key in one)

    tool("tools/embed.py", whole, "--data", demo, "--out", tmp_path / "average.npz")
    (whole / "checkpoints" / "step_0000003" / "hooks.safetensors").unlink()
    tool("tools/embed.py", whole, "--data", demo, "--out", tmp_path / "last.npz")
    average, last = (Embedded.load(tmp_path / f"{name}.npz").vectors for name in ("average", "last"))
    assert not np.allclose(average, last)
