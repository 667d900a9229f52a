"""The adapter to submitit, against a stand-in for the library."""

import sys
from types import SimpleNamespace

import pytest

from m5kit.ablation.cluster import SubmititEngine
from m5kit.ablation.plan import make_plan
from m5kit.ablation.runner import run_trials, trial_folder
from m5kit.ablation.sweep import Sweep
from m5kit.errors import MissingDependencyError


class Executor:
    """Runs a job when it is asked whether it is done."""

    made = []

    def __init__(self, folder):
        self.folder, self.parameters = folder, {}
        Executor.made.append(self)

    def update_parameters(self, **parameters):
        self.parameters |= parameters

    def submit(self, function, *arguments):
        return Job(lambda: function(*arguments))


class Job:
    job_id, state = "17", "COMPLETED"

    def __init__(self, call):
        self.call = call

    def done(self):
        self.call()
        return True


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(
        MissingDependencyError, match=r"--engine submitit needs the library 'submitit'.*m5kit\[submitit\]"
    ):
        SubmititEngine(tmp_path, {})


def test_trials_run_as_jobs_with_the_parameters_of_the_sweep(tmp_path, monkeypatch, fake_task):
    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace(AutoExecutor=Executor))
    sweep = Sweep(base="x", vary={"f": ("g",)}, seeds=(0,), figures=("a/b",), cluster={"slurm_partition": "short"})
    plan = make_plan(sweep, lambda base, overrides: {"changes": list(overrides)})
    engine = SubmititEngine(tmp_path / "cluster", sweep.cluster)
    ended = []
    run_trials(
        tmp_path,
        plan.trials,
        lambda trial: fake_task(trial_folder(tmp_path, trial).run),
        engine,
        2,
        lambda trial, status: ended.append((trial.variant, status.state)),
    )
    assert ended == [("base", "done"), ("f=g", "done")]
    assert Executor.made[-1].parameters == {"name": "m5kit-ablate", "slurm_partition": "short"}
    assert Executor.made[-1].folder == str(tmp_path / "cluster")


def test_a_job_that_ended_without_a_word_is_told_by_its_number_and_state():
    from m5kit.ablation.cluster import SubmittedJob

    assert SubmittedJob(Job(lambda: None)).ended() == "its cluster job 17 ended as COMPLETED"
