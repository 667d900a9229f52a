"""``m5kit train --engine submitit``: what would be submitted, and what is refused before that."""

import sys
from pathlib import Path

import pytest

from m5kit.cli import main
from m5kit.data.demo.make import make_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "demo"
    make_demo(folder, items=40, seed=2)
    return folder


@pytest.fixture
def submit(demo, tmp_path, monkeypatch, capsys):
    """Run the verb in an empty folder; its status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, data: Path = demo):
        status = main(["train", "demo/scale", "--data", str(data), *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_a_dry_run_shows_the_command_of_every_process_and_the_job(submit, demo, tmp_path):
    wanted = ("--engine", "submitit", "--nodes", "4", "--gpus", "8", "--set", "schedule.batch_size=1024", "--dry-run")
    status, shown, _ = submit(*wanted, "--run-dir", "runs/large", "--cluster", "slurm_partition=gpu")
    assert status == 0
    lines = shown.splitlines()
    run = tmp_path / "runs" / "large"
    assert lines[0] == (
        f"each of 32 processes runs: m5kit train demo/scale --run-dir {run} --data {demo} "
        f"--set schedule.batch_size=1024"
    )
    assert dict(line.split() for line in lines[1:-1]) == {
        "parameter": "value",
        "executor": "slurm",
        "python": sys.executable,
        "nodes": "4",
        "tasks_per_node": "8",
        "gpus_per_node": "8",
        "cpus_per_task": "3",
        "timeout_min": "1440",
        "slurm_partition": "gpu",
    }
    assert lines[-1] == "nothing was submitted"
    assert not run.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--engine", "submitit", "--gpus", "64"), "schedule.batch_size: 16 items are too few for 64 processes"),
        (("--engine", "submitit", "--nodes", "0"), "--nodes: expected at least 1, got 0"),
        (("--engine", "submitit", "--cluster", "slurm"), "--cluster: expected KEY=VALUE, got 'slurm'"),
        (("--engine", "submitit", "--set", "fusion.hedas=2"), "fusion.hedas: unknown key; did you mean 'heads'?"),
        (("--nodes", "2", "--dry-run"), "--nodes, --dry-run: needs --engine submitit"),
    ],
)
def test_mistakes_are_told_before_anything_is_submitted(submit, tmp_path, arguments, message):
    status, _, error = submit(*arguments)
    assert status == 2
    assert message in error
    assert list(tmp_path.iterdir()) == []


def test_missing_data_are_told_here_and_not_by_a_job(submit, tmp_path):
    status, _, error = submit("--engine", "submitit", data=tmp_path / "nowhere")
    assert status == 2
    assert "nowhere" in error


def test_without_slurm_nothing_runs_here_unasked(submit, tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    status, _, error = submit("--engine", "submitit")
    assert status == 2
    assert "--cluster executor=local runs the jobs on this machine" in error
