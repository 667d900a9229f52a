"""Reads what runs left behind: metric values, cost, and why some failed."""

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from m5kit.ablation.origin import doubts, read_origin
from m5kit.ablation.plan import Plan, trial_id
from m5kit.ablation.runner import trial_folder
from m5kit.ablation.worker import count_parameters
from m5kit.config.reader import read_data
from m5kit.errors import CheckpointError, ConfigError
from m5kit.evaluation.functional.averages import is_finite
from m5kit.runs.belonging import strangers
from m5kit.runs.folder import NOTE, RunFolder, no_run
from m5kit.runs.json import read_json
from m5kit.runs.study import FailedRun, RunOrigin
from m5kit.runs.sweep_folder import REMEDY, TrialFolder, TrialStatus

Score = Mapping[str, Any]
"""``value``, ``chance`` (or None) and, unless an old run left it out, ``count``."""


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """The metric values of one run, seen with one modality subset.

    Attributes:
        variant: name of what was trained.
        subset: the modalities that the model was allowed to see; empty for what the config says.
        seed: of the run.
        scores: by ``TASK/METRIC``.
        status: with the cost; of the trial, whatever the subset.
        run: folder of the run, relative to the report.
        origin: what the run was made of.
    """

    variant: str
    subset: str
    seed: int
    scores: Mapping[str, Score]
    status: TrialStatus
    run: str
    origin: RunOrigin = field(default_factory=RunOrigin)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to report.

    Attributes:
        outcomes: of the runs that came to their end.
        failed: the others that ended.
        left: how many have not ended.
        notes: sentences that a reader must know.
    """

    outcomes: Sequence[RunOutcome]
    failed: Sequence[FailedRun] = ()
    left: int = 0
    notes: Sequence[str] = field(default=())

    @property
    def metrics(self) -> dict[str, Score]:
        """Every metric that some run has, with one of its scores, in the order of the runs."""
        found: dict[str, Score] = {}
        for outcome in self.outcomes:
            found |= outcome.scores
        return found


def of_sweep(trials: Path, plan: Plan, out: Path) -> Found:
    """What the trials of a sweep have left so far, in the order of the plan.

    Args:
        trials: folder of the trials.
        plan: of the sweep.
        out: folder of the report.
    """
    outcomes: list[RunOutcome] = []
    failed: list[FailedRun] = []
    told: list[str] = []
    done = 0
    # in the order of the plan and not of their ends, so that a report of a running sweep only grows
    for trial in plan.trials:
        folder = trial_folder(trials, trial)
        status = folder.status  # read once: a trial that ends meanwhile would be counted in two states
        if status.state == "done":
            done += 1
            outcomes += _outcomes(trial.variant, trial.seed, folder.run, status, out, _origin(folder.run))
            told += _told(trial.variant, trial.seed, folder.run)
        elif status.state == "failed":
            log = _relative(folder.log, out)
            failed.append(FailedRun(variant=trial.variant, seed=trial.seed, reason=status.reason, log=log))
    notes = [f"{name} is the same as {first} and was not run again." for name, first in plan.same.items()] + told
    return Found(outcomes, failed, len(plan.trials) - len(failed) - done, notes)


def of_runs(runs: Sequence[Path], out: Path) -> Found:
    """What training runs have left; runs that differ only in their seed are one variant.

    Args:
        runs: run folders, in the order of the report.
        out: folder of the report.

    Raises:
        CheckpointError: a folder holds no run.
    """
    outcomes: list[RunOutcome] = []
    failed: list[FailedRun] = []
    told: list[str] = []
    names: dict[str, str] = {}
    taken: set[tuple[str, int]] = set()
    for path in runs:
        folder = RunFolder(path)
        config = _config(folder)
        # with one seed for all, the ids of runs that differ only in their seed are equal
        same = trial_id(config, 0)
        if same not in names:
            names[same] = _new_name(folder, config, set(names.values()))
        variant, seed = names[same], int(config["seed"])
        # pairs and means are by seed; a second run of one seed would silently replace the first
        if (same, seed) in taken:
            raise CheckpointError(f"{path}: another of these runs has the same config and the same seed; leave one out")
        taken.add((same, seed))
        if folder.results.exists():
            outcomes += _outcomes(variant, seed, folder, _status(folder), out, read_origin(folder, config))
            told += _told(variant, seed, folder)
        else:
            reason = f"it has no {folder.results.name}; run: m5kit evaluate {path}"
            failed.append(FailedRun(variant=variant, seed=seed, reason=reason, log=_relative(folder.log, out)))
    return Found(outcomes, failed, notes=told)


def _new_name(folder: RunFolder, config: Mapping[str, Any], taken: Set[str]) -> str:
    """What a sweep calls the variant, else the config's name; with the run's folder where another has that name."""
    trial = TrialFolder.of_run(folder.path)
    name = str(trial.read(trial.task).get("variant", config["name"])) if trial else str(config["name"])
    if name in taken:
        name = f"{name} ({folder.path.parent.name if trial else folder.path.name})"
    return name if name not in taken else f"{name} ({folder.path})"


def _outcomes(
    variant: str, seed: int, folder: RunFolder, status: TrialStatus, out: Path, origin: RunOrigin
) -> list[RunOutcome]:
    """The run as its config says, then as it sees with some of its modalities."""
    # a run that no sweep made is not to be thrown away because of its results
    remedy = REMEDY if TrialFolder.of_run(folder.path) else f"run: m5kit evaluate {folder.path}"
    results = {"": read_json(folder.results, remedy)}
    if folder.views.exists():
        results |= read_json(folder.views, remedy)
    run = _relative(folder.path, out)
    outcomes = []
    for subset, found in results.items():
        try:
            scores = _scores(found)
        except ValueError as error:
            raise CheckpointError(f"{folder.results} or {folder.views.name}: {error}; {remedy}") from error
        outcomes.append(RunOutcome(variant, subset, seed, scores, status, run, origin))
    return outcomes


def _told(variant: str, seed: int, folder: RunFolder) -> list[str]:
    """What the results of a run, which were read before, say about themselves, and what its other files say."""
    notes = [read_json(folder.results).get(NOTE), doubts(folder), *strangers(folder)]
    return [f"{variant}, seed {seed}: {note}." for note in notes if isinstance(note, str)]


def _origin(folder: RunFolder) -> RunOrigin:
    try:
        return read_origin(folder, _config(folder))
    except CheckpointError:  # a damaged config of a trial whose results are whole
        return RunOrigin()


def _scores(results: Mapping[str, Any]) -> dict[str, Score]:
    """The values of results as they are stored; ValueError if they are none."""
    scores: dict[str, Score] = {}
    try:
        for task, values in results["results"].items():
            for name, value in values.items():
                scores[f"{task}/{name}"] = _score(value)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no results in it ({type(error).__name__}: {error})") from error
    return scores


def _score(value: Mapping[str, Any]) -> Score:
    """What a report needs of a value; a number that is not finite counts as missing."""
    score = {}
    for key in ("value", "chance", "count"):
        if key not in value:
            continue
        number = value[key]
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise TypeError(f"{key}: expected a number, got {number!r}")
        score[key] = number if is_finite(number) else None
    return score


def _config(folder: RunFolder) -> Mapping[str, Any]:
    try:
        config = read_data(folder.config)
        if type(config["seed"]) is not int:
            raise ValueError(f"seed: expected a whole number, got {config['seed']!r}")
        return {**config, "name": config["name"]}
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise no_run(folder.path, f"its {folder.config.name} cannot be read") from error


def _status(folder: RunFolder) -> TrialStatus:
    """Cost of a run: what its trial measured, if a sweep made it; else only its size is known."""
    trial = TrialFolder.of_run(folder.path)
    return trial.status if trial else TrialStatus("done", parameters=count_parameters(folder))


def _relative(path: Path, folder: Path) -> str:
    # resolved first: ".." behind a link would lead elsewhere
    return os.path.relpath(path.resolve(), folder.resolve())
