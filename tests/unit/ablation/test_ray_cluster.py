"""Trials as tasks of Ray: mistakes without a cluster, the rest on a real one that lives for this file."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from m5kit.ablation.plan import make_plan
from m5kit.ablation.ray_cluster import RayEngine
from m5kit.ablation.runner import run_trials, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.errors import ConfigError, MissingDependencyError

HALF = {"address": "local", "num_cpus": 0.5}
"""Two trials at once on a machine with one core."""


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"--engine ray needs the library 'ray'.*m5kit\[ray\]"):
        RayEngine({}, threads=1)


def test_every_bad_parameter_is_told_before_ray_is_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError) as told:
        RayEngine({"num_cpu": 1, "num_gpus": -1, "slurm_partition": "gpu"}, threads=1)
    assert sorted(told.value.problems) == [
        "cluster.num_cpu: unknown key for --engine ray; did you mean 'num_cpus'?",
        "cluster.num_gpus: expected a number greater than or equal to 0, got -1",
        "cluster.slurm_partition: unknown key for --engine ray; it takes address, num_cpus, num_gpus, memory",
    ]


def sweep_of(vary: dict, fake_train, folder: Path, engine: RayEngine, pause: float = 0.0) -> list:
    """Run fake trials through the engine; those called broken fail."""
    sweep = Sweep(base="x", mode="list", vary=vary, seeds=(0,), metrics=("a/b",))
    plan = make_plan(sweep, lambda base, overrides: {"changes": list(overrides)})
    ended = []

    def task(trial):
        run = trial_folder(folder, trial).run.path
        command = fake_train(run, trial.variant, trial.seed, pause)
        return {"train": command, "evaluate": None, "seconds": None, "environment": {}}

    def after(trial, status):
        ended.append((trial.variant, status.state, status.reason))

    run_trials(folder, plan.trials, task, engine, 2, after)
    return sorted(ended)


@pytest.fixture(scope="module")
def engine():
    ray = pytest.importorskip("ray")
    yield RayEngine(HALF, threads=1)
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_without_a_cluster_nothing_runs_here_unasked(monkeypatch, address):
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ConfigError, match=rf"cluster.address: no Ray cluster at '{address}'.*\{{address: local\}}"):
        RayEngine({"address": address}, threads=1)


@pytest.mark.slow
def test_trials_run_as_tasks_and_a_failed_one_stops_nothing(engine, fake_train, tmp_path):
    vary = {"one": (), "broken": ("a=1",), "three": ("a=2",)}
    reason = "the harmonizer fell out of tune\nhint: tune it"
    ended = [("broken", "failed", reason), ("one", "done", None), ("three", "done", None)]
    assert sweep_of(vary, fake_train, tmp_path, engine) == ended
    assert sweep_of(vary, fake_train, tmp_path, engine) == []


@pytest.mark.slow
def test_a_task_whose_process_is_killed_fails_its_trial_and_no_other(engine, fake_task, tmp_path):
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "trial.json").write_text(json.dumps(fake_task(folder / "run", pause=60)))
    job = engine.start(folder)
    _until((folder / "run" / "begun").exists)
    assert job.ended() is None
    job.stop()
    _until(lambda: job.ended() is not None)
    # the killed process may still tell Ray its status before the task is given up
    assert job.ended() in ("its Ray task was lost (TaskCancelledError)", "its Ray task ended with status -9")
    _until(lambda: not _running(str(folder)))


@pytest.mark.slow
def test_no_machine_is_large_enough(engine):
    with pytest.raises(ConfigError, match=r"cluster.num_gpus: a trial needs 512, and the largest machine has \d+"):
        RayEngine({**HALF, "num_gpus": 512}, threads=1)


SWEEP = """
import importlib.util, sys
from pathlib import Path
found = importlib.util.spec_from_file_location("swept", {file!r})
swept = importlib.util.module_from_spec(found)
found.loader.exec_module(swept)
command = lambda run, *words: [sys.executable, "-S", {script!r}, str(run), *map(str, words)]
engine = swept.RayEngine({{**swept.HALF, "address": {address!r}}}, threads=1)
print(swept.sweep_of({vary!r}, command, Path({folder!r}), engine, {pause}), flush=True)
"""


@pytest.mark.slow
def test_trials_end_with_their_sweep_and_resume_starts_them_again(fake_train, tmp_path, engine):
    script, vary = fake_train(tmp_path, "", 0)[2], {"one": (), "two": ("a=1",)}
    address = engine.ray.get_runtime_context().gcs_address
    code = SWEEP.format(file=__file__, script=script, vary=vary, folder=str(tmp_path), pause=600, address=address)
    sweep = subprocess.Popen([sys.executable, "-c", code])
    _until(lambda: len(list(tmp_path.glob("*/run/begun"))) == 2)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait(30)
    _until(lambda: not _running(str(tmp_path)))
    states = [json.loads(path.read_text())["state"] for path in tmp_path.glob("*/status.json")]
    assert states == ["running", "running"]
    assert sweep_of(vary, fake_train, tmp_path, engine) == [("one", "done", None), ("two", "done", None)]


def _running(word: str) -> list[int]:
    """Processes with ``word`` in their command line, but for this sweep's own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended meanwhile
            continue
        if any(each.startswith(word) for each in words):
            found.append(int(path.parent.name))
    return found


def _until(condition, seconds=180):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
