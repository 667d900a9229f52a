"""Runs the trials of a plan, a few at a time, until each is done or has failed."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from m5kit.ablation.plan import Trial
from m5kit.runs.json import write_json
from m5kit.runs.sweep_folder import TrialFolder, TrialStatus

WAIT = 0.1
"""Seconds between two looks at the running trials."""

ENDED = ("done", "failed")


class Job(Protocol):
    """A trial that was started."""

    def ended(self) -> str | None:
        """How its process ended; None before that."""

    def stop(self) -> None:
        """Called when the sweep is interrupted."""


class Engine(Protocol):
    """Where trials run."""

    def start(self, folder: Path) -> Job:
        """Have :func:`m5kit.ablation.worker.run_trial` called on ``folder`` in another process."""


def trial_folder(trials: Path, trial: Trial) -> TrialFolder:
    """Where a trial keeps its files, among those of all sweeps that share the folder ``trials``."""
    return TrialFolder(trials / trial.id)


def run_trials(
    folder: Path,
    trials: Sequence[Trial],
    task: Callable[[Trial], Mapping[str, Any]],
    engine: Engine,
    jobs: int,
    after: Callable[[Trial, TrialStatus], None],
) -> None:
    """Run what has not ended yet.

    Args:
        folder: of the trials.
        trials: of the plan, in the order in which they start.
        task: gives the content of ``trial.json``.
        engine: runs a trial in another process.
        jobs: how many run at once.
        after: called when a trial has ended, from this thread.
    """
    waiting = [trial for trial in trials if trial_folder(folder, trial).status.state not in ENDED]
    # all before the first starts, so that whoever looks into the folder sees what is still to come
    for trial in waiting:
        _prepare(trial_folder(folder, trial), task(trial))
    running: dict[Trial, Job] = {}
    try:
        while waiting or running:
            closed = []
            for trial, job in list(running.items()):  # a copy, as trials are taken out on the way
                if job.ended() is not None:
                    del running[trial]
                    closed.append((trial, _final_status(trial_folder(folder, trial), job)))
            while waiting and len(running) < jobs:
                trial = waiting.pop(0)
                running[trial] = engine.start(trial_folder(folder, trial).path)
            for trial, status in closed:  # after the next have started: a report takes its time
                after(trial, status)
            if running and not closed:
                time.sleep(WAIT)
    finally:
        for job in running.values():
            job.stop()


def queue_failed(folder: Path, trials: Sequence[Trial]) -> None:
    """Let failed trials run again; ``folder`` is that of the trials."""
    for each in (trial_folder(folder, trial) for trial in trials):
        if each.status.state == "failed":
            with each.locked():  # another sweep may share the trial, and run it again now
                if each.status.state == "failed":
                    each.set_status(TrialStatus("queued"))


def _prepare(folder: TrialFolder, task: Mapping[str, Any]) -> None:
    write_json(folder.task, task)
    if folder.status.state == "queued":
        folder.set_status(TrialStatus("queued"))


def _final_status(folder: TrialFolder, job: Job) -> TrialStatus:
    """The status that the worker left, or what became of the worker."""
    if folder.status.state not in ENDED:
        with folder.locked():  # a process of the trial may have outlived its worker
            if folder.status.state not in ENDED:
                folder.set_status(TrialStatus("failed", job.ended()))
    return folder.status
