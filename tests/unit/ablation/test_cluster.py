"""Trials as jobs: with the real submitit on this machine."""

import sys
from types import SimpleNamespace

import pytest

from m5kit.ablation.cluster import SubmititEngine, SubmittedJob
from m5kit.ablation.plan import make_plan
from m5kit.ablation.runner import run_trials, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.errors import ConfigError, MissingDependencyError


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(
        MissingDependencyError, match=r"--engine submitit needs the library 'submitit'.*m5kit\[submitit\]"
    ):
        SubmititEngine(tmp_path, {})


def test_trials_run_as_jobs_of_submitits_own_executor(tmp_path, fake_task):
    pytest.importorskip("submitit")
    sweep = Sweep(
        base="x",
        vary={"f": ("g", "h")},
        seeds=(0,),
        figures=("a/b",),
        cluster={"executor": "local", "timeout_min": 2, "cpus_per_task": 1},
    )
    plan = make_plan(sweep, lambda base, overrides: {"changes": list(overrides)})
    ended = []
    run_trials(
        tmp_path / "trials",
        plan.trials,
        lambda trial: fake_task(
            trial_folder(tmp_path / "trials", trial).run.path, "broken" if trial.variant == "f=h" else "base"
        ),
        SubmititEngine(tmp_path / "cluster", sweep.cluster),
        2,
        lambda trial, status: ended.append((trial.variant, status.state, status.reason)),
    )
    reason = "the harmonizer fell out of tune\nhint: tune it"
    assert sorted(ended) == [("base", "done", None), ("f=g", "done", None), ("f=h", "failed", reason)]
    logs = {path.suffix for path in (tmp_path / "cluster").iterdir()}
    assert {".out", ".err", ".pkl"} <= logs  # submitit's files lie beside, not among the trials


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"executor": "loacl"}, "cluster: AutoExecutor doesn't know any executor named loacl"),
        ({"executor": "local", "colour": "red"}, "cluster: Parameter 'colour' need to be prefixed"),
        ({"executor": "local", "timeout_min": "soon"}, "cluster: .*timeout_min"),
    ],
)
def test_a_bad_parameter_is_told(tmp_path, parameters, message):
    pytest.importorskip("submitit")
    with pytest.raises(ConfigError, match=message):
        SubmititEngine(tmp_path, parameters)


def test_without_slurm_nothing_runs_here_unasked(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"cluster: .*slurm.* \{executor: local\} in the sweep file runs"):
        SubmititEngine(tmp_path, {"slurm_partition": "gpu"})


def test_a_job_that_ended_without_a_word_is_told_by_its_number_and_state():
    job = SimpleNamespace(job_id="17", state="COMPLETED", done=lambda: True)
    assert SubmittedJob(job).ended() == "its cluster job 17 ended as COMPLETED"
    assert SubmittedJob(SimpleNamespace(done=lambda: False)).ended() is None
