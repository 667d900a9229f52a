"""Runs a prepared sweep: its trials, and a report after each of them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.ablation.analysis import Question
from m5kit.ablation.commands import trial_task
from m5kit.ablation.local import LocalEngine
from m5kit.ablation.outcomes import of_sweep
from m5kit.ablation.plan import Trial
from m5kit.ablation.preparation import PreparedSweep
from m5kit.ablation.reporting import report_on
from m5kit.ablation.runner import Engine, queue_failed, run_trials, trial_folder
from m5kit.errors import CheckpointError
from m5kit.report.plots import Drawing
from m5kit.runs.json import read_json, write_json
from m5kit.runs.sweep_folder import TrialStatus

VERSION = 16
"""Letters of a version that are shown; the version of a local file is a long digest."""

Tell = Callable[[str], None]
"""Takes a line for the user."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """How a sweep ended: the page of its report, and how many trials failed."""

    page: Path
    failed: int


def run_sweep(
    prepared: PreparedSweep,
    *,
    tell: Tell,
    jobs: int = 1,
    resume: bool = False,
    retry: bool = False,
    engine: str = "local",
) -> SweepResult:
    """Run the trials that have not ended, and write the report before the first and after each of them.

    Args:
        prepared: by :func:`prepare_sweep`.
        tell: takes a line whenever a trial has ended.
        jobs: how many trials run at once.
        resume: go on with the sweep in the folder; otherwise there must be none.
        retry: run trials that failed once more, such as those of a disk that was full.
        engine: ``local``, ``submitit`` or ``ray``.

    Raises:
        CheckpointError: there is a sweep and ``resume`` is off, or there is none and it is on.
    """
    _require_sweep(prepared, resume)
    # two sweeps in one folder would overwrite each other's reports
    with prepared.folder.writing():
        for change in _begin(prepared, resume):
            tell(change)
        if retry:
            queue_failed(prepared.trials, prepared.plan.trials)
        return _run(prepared, _engine(engine, prepared), tell, jobs)


def _run(prepared: PreparedSweep, engine: Engine, tell: Tell, jobs: int) -> SweepResult:
    reporter = _Reporter(prepared)
    tell(f"report: {reporter.write(draw=True).page}")

    def task(trial: Trial) -> Mapping[str, Any]:
        run = trial_folder(prepared.trials, trial).run.path
        return trial_task(prepared.sweep, trial, run, prepared.data)

    def after(trial: Trial, status: TrialStatus) -> None:
        reporter.write(draw=False)
        ending = f" in {status.seconds:.0f} s" if status.seconds is not None else f": {status.reason}"
        tell(f"{status.state} {trial.variant}, seed {trial.seed}{ending}")

    run_trials(prepared.trials, prepared.plan.trials, task, engine, jobs, after)
    return reporter.write(draw=True)


class _Reporter:
    """Reports on what the trials have left so far.

    Args:
        prepared: the sweep.
    """

    def __init__(self, prepared: PreparedSweep) -> None:
        self.prepared = prepared
        self.drawing = Drawing()
        sweep, plan = prepared.sweep, prepared.plan
        self.question = Question(prepared.title, sweep.about, sweep.metrics, plan.reference, sweep.interval, sweep.test)

    def write(self, draw: bool) -> SweepResult:
        """Tables are always of this moment; pictures only if asked for, else they may lag in a large sweep."""
        folder = self.prepared.folder
        found = of_sweep(self.prepared.trials, self.prepared.plan, folder.path)
        study = report_on(found, self.question, folder.path, self.drawing, draw)
        study.write(folder.study)
        return SweepResult(folder.report.page, len(study.failed))


def _require_sweep(prepared: PreparedSweep, resume: bool) -> None:
    """Before anything is written, so that a mistaken --resume makes no folder."""
    file, out = prepared.folder.sweep, os.path.relpath(prepared.folder.path)
    if resume and not file.exists():
        raise CheckpointError(
            f"{out} holds no sweep to resume (it has no {file.name}); leave out --resume to start one"
        )


def _begin(prepared: PreparedSweep, resume: bool) -> list[str]:
    """Note what the sweep is, and tell what has changed since it began; under its lock."""
    file = prepared.folder.sweep
    if file.exists() and not resume:
        out = os.path.relpath(prepared.folder.path)
        raise CheckpointError(f"{out} already holds a sweep; add --resume to go on with it, or choose another --out")
    before = read_json(file) if file.exists() else {}
    now = prepared.sweep.model_dump(mode="json")
    write_json(file, {**now, "software": dict(prepared.software)})
    return _edits(before, now) + _changes(before.get("software"), prepared.software)


def _edits(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Which keys of the sweep file are others than when the sweep began; trials are found by what they compute."""
    edited = [key for key, value in now.items() if before.get(key, value) != value]
    if not edited:
        return []
    return [
        f"the sweep file is another than when the sweep began: {', '.join(edited)}. Trials that it asks for no longer "
        "are kept and not reported."
    ]


def _changes(before: Any, now: Mapping[str, str]) -> list[str]:
    """What is another version than when the sweep began; its trials have new ids, and the old ones are not reported."""
    versions = []
    for name, version in now.items() if isinstance(before, Mapping) else ():
        if before.get(name, version) != version:
            versions.append(f"{name} {str(before[name])[:VERSION]}, now {version[:VERSION]}")
    if not versions:
        return []
    return [f"changed since the sweep began: {'; '.join(versions)}. Its trials are run again."]


def _engine(name: str, prepared: PreparedSweep) -> Engine:
    """The engine of that name; what it needs beside m5kit is imported only if it is asked for."""
    sweep = prepared.sweep
    if name == "submitit":
        from m5kit.ablation.cluster import SubmititEngine

        return SubmititEngine(prepared.folder.cluster, sweep.cluster)
    if name == "ray":
        from m5kit.ablation.ray_cluster import RayEngine

        return RayEngine(sweep.cluster, sweep.budget.threads)
    return LocalEngine()
