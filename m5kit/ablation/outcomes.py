"""Reads what runs left behind: figures, cost, and why some failed."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from m5kit.ablation.plan import Plan, trial_id
from m5kit.ablation.runner import trial_folder
from m5kit.ablation.trial_folder import Status, TrialFolder, read
from m5kit.ablation.worker import count_parameters
from m5kit.errors import CheckpointError

Score = Mapping[str, Any]
"""``value`` and ``chance``, either of which may be None."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one run, seen in one way.

    Attributes:
        variant: name of what was trained.
        view: what the model was allowed to see; empty for what the config says.
        seed: of the run.
        scores: by ``TASK/FIGURE``.
        status: with the cost; of the trial, whatever the view.
        run: folder of the run, relative to the report.
    """

    variant: str
    view: str
    seed: int
    scores: Mapping[str, Score]
    status: Status
    run: str


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to report.

    Attributes:
        outcomes: of the runs that came to their end.
        failed: the others that ended, with ``variant``, ``seed``, ``reason`` and ``log``.
        left: how many have not ended.
    """

    outcomes: Sequence[Outcome]
    failed: Sequence[Mapping[str, Any]] = ()
    left: int = 0
    notes: Sequence[str] = field(default=())


def of_sweep(trials: Path, plan: Plan, out: Path) -> Found:
    """What the trials of a sweep have left so far, in the order of the plan.

    Args:
        trials: folder of the trials.
        plan: of the sweep.
        out: folder of the report.
    """
    outcomes: list[Outcome] = []
    failed: list[Mapping[str, Any]] = []
    for trial in plan.trials:
        folder = trial_folder(trials, trial)
        status = folder.status
        if status.state == "done":
            outcomes += _outcomes(trial.variant, trial.seed, folder.run, status, out)
        elif status.state == "failed":
            log = os.path.relpath(folder.log, out)
            failed.append({"variant": trial.variant, "seed": trial.seed, "reason": status.reason, "log": log})
    left = len(plan.trials) - len(failed) - len({(outcome.variant, outcome.seed) for outcome in outcomes})
    notes = [f"{name} is the same as {first} and was not run again." for name, first in plan.same.items()]
    return Found(outcomes, failed, left, notes)


def of_runs(runs: Sequence[Path], out: Path) -> Found:
    """What training runs have left; runs that differ only in their seed are one variant.

    Args:
        runs: run folders, in the order of the report.
        out: folder of the report.

    Raises:
        CheckpointError: a folder holds no run.
    """
    outcomes: list[Outcome] = []
    failed: list[Mapping[str, Any]] = []
    names: dict[str, str] = {}
    taken: set[tuple[str, int]] = set()
    for run in runs:
        config = _config(run)
        same = trial_id(config, 0)
        if same not in names:
            name = str(config["name"])
            names[same] = name if name not in names.values() else f"{name} ({run.name})"
        variant, seed = names[same], int(config["seed"])
        if (same, seed) in taken:
            raise CheckpointError(f"{run}: another of these runs has the same config and the same seed; leave one out")
        taken.add((same, seed))
        if (run / "results.json").exists():
            outcomes += _outcomes(variant, seed, run, _status(run), out)
        else:
            reason = f"it has no results.json; run: m5kit evaluate {run}"
            failed.append({"variant": variant, "seed": seed, "reason": reason, "log": str(run / "log.txt")})
    return Found(outcomes, failed)


def _outcomes(variant: str, seed: int, run: Path, status: Status, out: Path) -> Iterator[Outcome]:
    """The run as its config says, then as it sees with some of its modalities."""
    views = read(run / "views.json") if (run / "views.json").exists() else {}
    for view, results in {"": read(run / "results.json"), **views}.items():
        yield Outcome(variant, view, seed, _scores(results), status, os.path.relpath(run, out))


def _scores(results: Mapping[str, Any]) -> dict[str, Score]:
    return {
        f"{task}/{name}": {"value": figure["value"], "chance": figure["chance"]}
        for task, figures in results["results"].items()
        for name, figure in figures.items()
    }


def _config(run: Path) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
        return {"name": config["name"], "seed": config["seed"], **config}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise CheckpointError(f"{run} holds no run (its config.yaml cannot be read); give training runs") from error


def _status(run: Path) -> Status:
    """Cost of a run: what its trial measured, if a sweep made it; else only its size is known."""
    trial = TrialFolder(run.parent)
    if run.name == "run" and trial.task.exists():
        return trial.status
    return Status("done", parameters=count_parameters(run))
