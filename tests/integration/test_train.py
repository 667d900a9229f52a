"""The main job, run as a user runs it."""

import json
import math
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

MODALITIES = ("audio", "image", "table", "text", "video")


def _weights(run, step):
    return load_file(run / "checkpoints" / f"step_{step:07d}" / "model.safetensors")


def _same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_a_run_folder_holds_everything(trained):
    run, _ = trained
    there = {path.name for path in run.iterdir()}
    assert there >= {
        "config.yaml", "provenance.json", "metrics.jsonl", "checkpoints", "results.json", "log.txt", "tensorboard",
        "curves.png", "transforms.json",
    }  # fmt: skip
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["step_0000003", "step_0000006"]
    assert {path.suffix for path in (run / "checkpoints").rglob("*.*")} == {".safetensors", ".json"}


def test_metrics_are_logged_for_every_task_and_modality(trained, metric_lines):
    rows = metric_lines(trained[0])
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert {f"weight/{m}" for m in MODALITIES} <= rows[-1].keys()
    assert {"loss", "loss/contrastive", "loss/masked_text", "lr", "grad_norm"} <= rows[-1].keys()


def test_the_command_ends_with_results_and_what_to_do_next(trained):
    run, said = trained
    results = json.loads((run / "results.json").read_text())["results"]
    assert {"coarse", "fine", "classification", "clustering"} <= results.keys()
    for figures in results.values():
        assert all(0 <= figure["chance"] <= 1 for figure in figures.values() if figure["chance"] is not None)
    assert "map_std@10" in said
    assert f"m5kit embed {run}" in said
    assert "Traceback" not in said


def test_evaluate_again_gives_the_same_figures(trained, tool):
    run, _ = trained
    done = tool("tools/evaluate.py", run, "--metrics", "coarse,clustering", "--json")
    stored = json.loads((run / "results.json").read_text())["results"]
    assert json.loads(done.stdout)["results"] == {name: stored[name] for name in ("coarse", "clustering")}


def test_evaluate_through_some_modalities(trained, tool):
    run, _ = trained
    done = tool("tools/evaluate.py", run, "--tasks", "coarse", "--modalities", "image,text", "--json")
    stored = json.loads((run / "results.json").read_text())["results"]["coarse"]
    assert json.loads(done.stdout)["results"]["coarse"] != stored


@pytest.mark.parametrize("name", ["vectors.parquet", "vectors.npz"])
def test_embed_writes_every_item(trained, demo, tool, tmp_path, name):
    tool("tools/embed.py", trained[0], "--data", demo, "--out", tmp_path / name)
    from m5kit.evaluation.base import Embedded

    embedded = Embedded.load(tmp_path / name)
    ids = [json.loads(line)["id"] for line in (demo / "annotations.jsonl").read_text().splitlines()]
    assert sorted(embedded.ids) == sorted(ids)
    assert np.allclose(np.linalg.norm(embedded.vectors, axis=1), 1, atol=1e-5)


def test_a_stopped_run_resumes_to_the_same_bits(trained, demo, tool, short, tmp_path, metric_lines):
    """Stopped by SIGTERM at whatever step it has reached; dropout, augmentation and two workers are on."""
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run, *short()]
    running = subprocess.Popen([sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    while running.poll() is None and not (run / "metrics.jsonl").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=120)[0]
    assert running.returncode in (0, 128 + signal.SIGTERM)  # 0: it had finished before
    if running.returncode:
        assert "--resume goes on from it" in said
        tool(*arguments, "--resume")
    assert _same(_weights(run, 6), _weights(trained[0], 6))
    assert metric_lines(run) == metric_lines(trained[0])


def test_a_killed_run_resumes_to_the_same_bits_with_other_workers(trained, demo, tool, short, tmp_path, metric_lines):
    """As if killed between two checkpoints: the last one is there, and lines of lost steps."""
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    tool(*arguments, *short("evaluation=none"))
    last = run / "checkpoints" / "step_0000006"
    for path in last.iterdir():
        path.unlink()
    last.rmdir()
    tool(*arguments, *short("evaluation=none", "data.workers=1"), "--resume")
    assert _same(_weights(run, 6), _weights(trained[0], 6))
    assert metric_lines(run) == metric_lines(trained[0])


@pytest.mark.slow
def test_batches_of_tokens_resume_to_the_same_bits_with_other_workers(demo, tool, short, tmp_path, metric_lines):
    overrides = ("schedule.tokens=900", "evaluation=none", "validation.every_steps=0")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir"]
    said = tool(*arguments, whole, *short(*overrides)).stdout
    assert "6 steps of 900 tokens" in said
    shutil.copytree(whole, stopped)
    shutil.rmtree(stopped / "checkpoints" / "step_0000006")
    tool(*arguments, stopped, *short(*overrides, "data.workers=0"), "--resume")
    assert _same(_weights(stopped, 6), _weights(whole, 6))
    assert metric_lines(stopped) == metric_lines(whole)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["configs/demo/nothing.yaml"], "nothing.yaml"),
        (["demo/scale", "--set", "schedule.max_step=6"], "schedule.max_step"),
        (["demo/scale", "--data", "nowhere"], "nowhere"),
        (["demo/scale", "--sets", "a=b"], "--sets"),
        ([], "CONFIG"),
    ],
)
def test_a_users_mistake_ends_the_process_with_status_2(tool, tmp_path, words, told):
    run = [] if not words else ["--run-dir", tmp_path / "run"]
    done = tool("tools/train.py", *words, *run, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "config.yaml").exists()


def test_resuming_with_another_config_is_refused(trained, demo, tool, short):
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", trained[0], "--resume"]
    done = tool(*arguments, *short("schedule.weight_decay=0.1", "seed=7"), check=False)
    assert done.returncode == 2
    assert "the config has 2 mistakes" in done.stderr
    assert "schedule.weight_decay: the run in" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_with_a_run_is_not_overwritten(trained, demo, tool, short):
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", trained[0], *short()]
    done = tool(*arguments, check=False)
    assert done.returncode == 2
    assert "already holds a run; add --resume" in done.stderr


def test_every_mistake_is_reported_at_once(tool):
    wrong = ["--set", "schedule.lr=fast", "--set", "fusion.layerz=3", "--set", "task_contrastive.temperature=x"]
    done = tool("tools/train.py", "configs/demo/scale.yaml", "--data", "nowhere", *wrong, check=False)
    assert done.returncode == 2
    assert "4 mistakes" in done.stderr
    for key in ("data.root", "schedule.lr", "fusion.layerz", "task_contrastive.temperature"):
        assert key in done.stderr
    assert "Traceback" not in done.stderr


def test_fine_tuning_starts_from_a_run(trained, demo, tool, short, tmp_path):
    run = tmp_path / "finetuned"
    arguments = ["tools/train.py", "configs/demo/finetune.yaml", "--data", demo, "--run-dir", run]
    more = ["head.class_weights=balanced", "data.balance=label", "freeze=[encoder_text]", "rates.head=2.0"]
    said = tool(*arguments, *short(f"init.run={trained[0]}", "schedule.max_steps=3", *more)).stdout
    results = json.loads((run / "results.json").read_text())["results"]
    assert "fine_tuned" in results
    assert "fine_tuned" in said
    first = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    assert {"loss/coarse", "loss/coarse_alone"} <= first.keys()


@pytest.mark.parametrize(
    "overrides",
    [
        ("fusion=gated", "harmonizer=learned", "schedule.accumulate=2"),
        ("fusion=concat", "harmonizer=uniform", "schedule.precision=bf16", "data.missing=zero"),
        ("encoder_audio=none", "encoder_video=none", "harmonizer=paper_literal"),
        (
            "encoder_audio=none",
            "encoder_video=none",
            "encoder_image=none",
            "encoder_table=none",
            "task_contrastive=none",
            "task_completion=none",
        ),
    ],
    ids=["gated", "concat-bf16-zero", "three-modalities", "one-modality"],
)
def test_other_compositions_train(demo, tool, short, tmp_path, overrides):
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", demo, "--run-dir", run]
    tool(*arguments, *short("evaluation=none", "schedule.max_steps=2", *overrides))
    assert (run / "checkpoints" / "step_0000002").is_dir()


def test_a_run_whose_files_are_broken_stops_and_lists_them(demo, tool, short, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(demo, broken)
    for path in (broken / "media" / "image").iterdir():
        path.write_bytes(b"not a picture")
    run = tmp_path / "run"
    arguments = ["tools/train.py", "configs/demo/scale.yaml", "--data", broken, "--run-dir", run]
    done = tool(*arguments, *short("schedule.max_steps=20"), check=False)
    assert done.returncode == 2
    assert "image items could not be decoded, more than the allowed share of 0.05" in done.stderr
    assert json.loads((run / "failures.jsonl").read_text().splitlines()[0])["modality"] == "image"
    assert "Traceback" not in done.stderr
