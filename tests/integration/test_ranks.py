"""Evaluation and embedding by several processes: the figures and the files of one, whatever fails."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def launch(ranks: int, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Start a tool by torchrun, as a user does."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    command = [*launcher, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
def test_figures_are_those_of_one_process(trained, tool, ranks):
    run, _ = trained
    subsets = ("tools/evaluate.py", run, "--json", "--modalities", "image", "--modalities", "image,text")
    alone = json.loads(tool("tools/evaluate.py", run, "--json").stdout), json.loads(tool(*subsets).stdout)
    gallery = (run / "gallery.json").read_bytes()
    together = launch(ranks, "tools/evaluate.py", run, "--json"), launch(ranks, *subsets)
    assert tuple(json.loads(said.stdout) for said in together) == alone
    stored = json.loads((run / "results.json").read_text())
    assert sorted(stored.pop("of")) == ["begun", "step"]
    assert stored == alone[0]
    assert (run / "gallery.json").read_bytes() == gallery


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
def test_the_file_is_that_of_one_process(trained, demo, tool, tmp_path, ranks):
    run, _ = trained
    wanted = ("tools/embed.py", run, "--data", demo, "--space", "fused", "--out")
    alone = tool(*wanted, tmp_path / "one.npz").stdout
    together = launch(ranks, *wanted, tmp_path / "many.npz").stdout
    assert together == alone.replace("one.npz", "many.npz")
    assert "120 embeddings" in together  # of splits whose sizes no number of batches divides
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "many.npz").read_bytes()


@pytest.mark.slow
def test_a_process_that_fails_ends_all_with_its_error(trained, demo, tmp_path):
    run, _ = trained
    broken = tmp_path / "broken"
    (broken / "media").mkdir(parents=True)
    rows = [json.loads(line) for line in (demo / "annotations.jsonl").read_text().splitlines()]
    for row in rows:
        row["image"] = "media/nothing.png"
    (broken / "annotations.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (broken / "media" / "nothing.png").write_text("no picture")
    began = time.monotonic()
    command = ("tools/embed.py", run, "--data", broken, "--out", tmp_path / "e.npz")
    done = launch(2, *command, check=False)
    assert done.returncode != 0
    assert "image items could not be decoded, more than the allowed share" in done.stderr
    assert "process 0 of 2 failed: " in done.stderr
    assert "m5kit/cli" not in done.stderr  # torchrun prints a traceback of its own, these processes print none
    assert not (tmp_path / "e.npz").exists()
    assert time.monotonic() - began < 120


@pytest.mark.slow
def test_a_submitted_run_trains_on_the_processes_of_its_job(demo, tool, short, tmp_path):
    run = tmp_path / "run"
    job = ("--engine", "submitit", "--gpus", "0", "--cluster", "executor=local", "--cluster", "tasks_per_node=2")
    said = tool("tools/train.py", "demo/scale", "--data", demo, "--run-dir", run, *job, *short()).stdout
    assert "each of 2 processes runs: m5kit train demo/scale" in said
    end = time.monotonic() + 240
    while not (run / "results.json").exists():
        logs = "\n".join(path.read_text() for path in (run / "cluster").glob("*.err"))
        assert time.monotonic() < end, logs
        time.sleep(0.5)
    assert "2 processes (gloo)" in (run / "log.txt").read_text()
