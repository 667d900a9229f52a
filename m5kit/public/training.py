"""Training, evaluation and sweeps from Python: what the commands do, with values in place of printed lines."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from yaml import YAMLError

from m5kit.ablation.orchestration import run_sweep
from m5kit.ablation.preparation import prepare_sweep
from m5kit.config import load_config
from m5kit.config.reader import write_inline
from m5kit.config.roots import find_sweep
from m5kit.data.remote.place import Place, as_path, as_place
from m5kit.errors import M5KitError, UsageError
from m5kit.inference.evaluation import Evaluation
from m5kit.inference.suited_config import suit_config
from m5kit.permissions import allowing_links
from m5kit.public.evaluation import Metrics
from m5kit.public.forward import Folder
from m5kit.public.loading import load
from m5kit.public.run import Run
from m5kit.ranges import is_count
from m5kit.runs.folder import RunFolder
from m5kit.runs.study import Study
from m5kit.training.progress import OpenConsole
from m5kit.training.run import train as train_plan
from m5kit.training.setup import TrainingPlan

Overrides: TypeAlias = Mapping[str, Any] | Sequence[str]
"""Changes to a config: values by dotted key, or ``KEY=VALUE`` as for ``--set``."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep found.

    Attributes:
        study: every variant with its values, intervals and differences; ``study.failed`` lists trials without results.
        page: the report, an HTML file.
    """

    study: Study
    page: Path


def train(
    config: Folder,
    *,
    data: Folder | None = None,
    overrides: Overrides = (),
    run_dir: Folder | None = None,
    resume: bool = False,
    evaluate: bool = True,
    progress: bool = False,
) -> Run:
    """Pretrain or fine-tune, evaluate, and load the run; ``m5kit train`` from Python.

    Args:
        config: a YAML file, or the name of a shipped one such as ``demo/scale``.
        data: folder of the manifest, or its URL.
        overrides: changes to the config, such as ``{"fusion": "gated", "schedule.max_steps": 100}``; None drops a part.
            What the data lack is left out, as by the command; what an override names must be there.
        run_dir: folder of the run; None makes ``runs/NAME-TIME``.
        resume: go on with the run in ``run_dir``.
        evaluate: compute the config's metrics afterwards and store them in the run folder.
        progress: show what ``m5kit train`` shows.

    Raises:
        ConfigError: every mistake in the config.
        DataError: the items cannot be read, or too many of them.
        CheckpointError: there is a run in ``run_dir`` already, or none to resume.
        KeyboardInterrupt: a signal stopped the run; a checkpoint was saved, from which ``resume`` goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        raise M5KitError("a run takes signals to save before it stops, so train in the main thread of a process")
    if resume and run_dir is None:
        raise UsageError(["resume: name the run with run_dir"])
    # the name of a shipped config is no path
    file = os.path.expanduser(config) if isinstance(config, str) else as_path(config, "config")
    root = _place(data)
    asked = None if run_dir is None else as_path(run_dir, "run_dir")
    # before anything is written: a run should not fail only after its training, at its metrics
    resolved = suit_config(lambda given: load_config(file, given, root), as_overrides(overrides))
    path = asked or RunFolder.new(resolved.name).path
    ended = train_plan(TrainingPlan(resolved, path, resume), OpenConsole(quiet=not progress))
    if ended.stopped_by is not None:
        raise KeyboardInterrupt(f"signal {ended.stopped_by} stopped the run in {path} after a checkpoint was saved")
    # The config is the caller's own here, so what it allows holds for its run folder too.
    with allowing_links(resolved.values["data"]["follow_links"]):
        run = load(path)
    if evaluate and run.trained.config.evaluation:
        run.evaluate(store=True)
    return run


def evaluate(
    run: Run | Folder,
    metrics: Metrics | None = None,
    *,
    modalities: Sequence[str] | None = None,
    data: Folder | None = None,
    store: bool = False,
) -> Evaluation:
    """Run metrics on a run; :meth:`m5kit.Run.evaluate` of one that need not be loaded before.

    Args:
        run: loaded, or its folder.
        metrics: as there, and so are the others.
        modalities: the only ones that the model sees.
        data: folder of other items, or its URL.
        store: write the values to the run folder.

    Raises:
        ConfigError: mistakes in the metrics, or an unknown one.
        CheckpointError: there is no run, or it cannot be loaded.
    """
    loaded = run if isinstance(run, Run) else load(run)
    return loaded.evaluate(metrics, modalities=modalities, data=data, store=store)


def sweep(
    file: Folder,
    out: Folder,
    *,
    data: Folder | None = None,
    trials: Folder | None = None,
    jobs: int = 1,
    resume: bool = False,
    retry: bool = False,
    tell: Callable[[str], None] | None = None,
) -> SweepReport:
    """Train what a sweep file varies, and compare; ``m5kit ablate`` from Python.

    Args:
        file: a YAML file, or the name of a sweep that m5kit ships, such as ``fusion``.
        out: folder of the trials and the report.
        data: folder of the manifest; None for the one that the configs name.
        trials: folder of trials that sweeps share; None for that of this sweep.
        jobs: how many trials run at once, each in a process of its own.
        resume: go on with the sweep in ``out``.
        retry: run trials that failed once more.
        tell: takes a line whenever a trial has ended.

    Raises:
        ConfigError: every mistake in the file and in its variants.
        CheckpointError: there is a sweep in ``out`` already, or none to resume.
    """
    if not is_count(jobs):
        raise UsageError([f"jobs: expected a whole number of at least 1, got {jobs!r}"])
    prepared = prepare_sweep(
        find_sweep(as_path(file, "file")),
        as_path(out, "out"),
        _place(data),
        None if trials is None else as_path(trials, "trials"),
    )
    result = run_sweep(prepared, tell=tell or _say_nothing, jobs=jobs, resume=resume, retry=retry)
    return SweepReport(Study.read(prepared.folder.study), result.page)


def as_overrides(given: Overrides) -> list[str]:
    """Changes as ``--set`` takes them.

    Example:
        >>> as_overrides({"fusion": "gated", "task_matching": None, "schedule.lr": 3e-4})
        ['fusion=gated', 'task_matching=none', 'schedule.lr=0.0003']

    Raises:
        ConfigError: it is neither of the two, or holds what no config can.
    """
    if isinstance(given, str) or not isinstance(given, Iterable) or not all(isinstance(key, str) for key in given):
        raise UsageError([f"overrides: expected values by dotted key, or a list of KEY=VALUE, got {given!r}"])
    if not isinstance(given, Mapping):
        return list(given)
    return [f"{key}={_written(key, value)}" for key, value in given.items()]


def _written(key: str, value: Any) -> str:
    """A value as the command line would have it."""
    dotted = "." in key
    if value is None:
        return "" if dotted else "none"  # a whole part is dropped by a word, a single value by writing nothing
    # a name alone picks a piece, and is none of YAML's values
    if isinstance(value, str) and not dotted:
        return value
    if isinstance(value, np.generic):  # of a range of numpy, as in a loop over seeds
        value = value.item()
    try:
        return write_inline(value)
    except YAMLError as error:
        raise UsageError([f"overrides: {key}: a config can hold no {type(value).__name__}, got {value!r}"]) from error


def _place(given: Folder | None) -> Place | None:
    return None if given is None else as_place(given, "data")


def _say_nothing(line: str) -> None:
    """Report no progress: the caller gave no ``tell``."""
