"""A run that is looked at on its way, as a user sees it; looking changes no bit of it."""

import json
import math
import re

import pytest
from safetensors.numpy import load_file

from m5kit.inference.trained_run import TrainedRun

pytestmark = pytest.mark.slow

QUICK = ["encoder_video=none", "encoder_audio=none", "encoder_image=none", "evaluation=none", "data.workers=0"]


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory, demo, tool, short):
    run = tmp_path_factory.mktemp("runs") / "looked_at"
    changed = [
        "data.val=[gallery_coarse]",
        "schedule.max_steps=12",
        "checkpoint.best=val/loss",
        "checkpoint.every_steps=5",
        "checkpoint.keep=1",
    ]
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    return run, arguments, tool(*arguments, *short(*QUICK, *changed)).stdout, short(*QUICK, *changed)


def test_held_out_values_are_logged(looked_at, metric_lines):
    rows = metric_lines(looked_at[0])
    assert {"val/loss", "val/loss/contrastive", "val/rank/text", "val/rank/item"} <= rows[-1].keys()
    assert any(name.startswith("val/knn/") for name in rows[-1])
    assert all(math.isfinite(value) for row in rows for value in row.values())


def test_the_best_checkpoint_stays(looked_at, metric_lines):
    run = looked_at[0]
    losses = {row["step"]: row["val/loss"] for row in metric_lines(run) if "val/loss" in row}
    best = json.loads((run / "checkpoints" / "best" / "state.json").read_text())["step"]
    assert best == min(losses, key=losses.get)
    assert (run / "checkpoints" / "step_0000012").is_dir()


def test_training_goes_on_to_the_same_bits_as_without(looked_at, tool, tmp_path):
    run, arguments, _, options = looked_at
    alone = [*arguments[:-1], tmp_path / "alone", *options, "--set", "validation.every_steps=0"]
    tool(*alone, "--set", "checkpoint.best=")
    saved = "checkpoints/step_0000012/model.safetensors"
    one, other = load_file(run / saved), load_file(tmp_path / "alone" / saved)
    assert all((one[name] == other[name]).all() for name in one)


def test_the_logged_rate_is_that_of_the_step(looked_at, metric_lines):
    rates = [row["lr"] for row in metric_lines(looked_at[0])]
    warmup = [rate / rates[4] for rate in rates[:4]]  # 0.3 of 12 steps
    assert warmup == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[-1] == pytest.approx(rates[4] * 0.5 * (1 + math.cos(math.pi * 7 / 8)))


def test_a_run_of_minutes_ends_in_time_and_stays_ended(demo, tool, short, tmp_path, metric_lines):
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    options = short(*QUICK, "schedule.minutes=0.05", "validation.every_steps=0", "logging.every_steps=2")
    assert "0.05 minutes in steps of 8" in tool(*arguments, *options).stdout
    last = metric_lines(run)[-1]
    assert last["lr"] < metric_lines(run)[0]["lr"]
    tool(*arguments, *options, "--resume")
    assert metric_lines(run)[-1]["step"] == last["step"]


def test_passes_end_a_run_that_has_minutes_left(demo, tool, short, tmp_path, metric_lines):
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    options = short(*QUICK, "schedule.minutes=10", "schedule.epochs=0.3", "logging.every_steps=1")
    items, most = re.search(
        r"(\d+) items; 10 minutes in steps \(at most (\d+)\) of 8", tool(*arguments, *options).stdout
    ).groups()
    rows = metric_lines(run)
    assert rows[-1]["step"] == int(most) == math.ceil(0.3 * int(items) / 8)
    assert rows[-1]["lr"] < max(row["lr"] for row in rows)  # it falls, though ten minutes are far away
    assert f"all {most} steps are done" in tool(*arguments, *options, "--resume").stdout


def test_the_step_of_the_best_checkpoint_is_told(demo, tool, short, tmp_path):
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    held_out = ("data.val=[gallery_coarse]", "checkpoint.best=val/loss", "validation.every_steps=1", "schedule.lr=10")
    tool(*arguments, *short(*QUICK, *held_out, "schedule.minutes=10", "schedule.epochs=0.3", "schedule.warmup=0"))
    best = json.loads((run / "checkpoints" / "best" / "state.json").read_text())["step"]
    last = int(max(folder.name for folder in (run / "checkpoints").glob("step_*")).partition("_")[2])
    assert best < last  # steps so large make every model worse
    assert TrainedRun.open(run).unfinished == f"step {best} of {last}, the best by val/loss"


def test_bf16_on_a_cpu_is_replaced(demo, tool, short, tmp_path):
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", tmp_path / "run"]
    options = short(*QUICK, "schedule.precision=bf16", "schedule.max_steps=1", "validation.every_steps=0")
    assert "this run computes in fp32" in tool(*arguments, *options).stdout
