"""``m5kit ablate SWEEP``: train what a sweep file varies, and report after every trial."""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from m5kit.cli.options import Verbs
from m5kit.cli.output import write, write_table

if TYPE_CHECKING:
    from m5kit.ablation.plan import Plan, Trial
    from m5kit.ablation.runner import Engine
    from m5kit.ablation.sweep import Sweep
    from m5kit.ablation.trial_folder import Status


TRIALS = "trials"


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "ablate", help="train variants over seeds and compare them", description="Run a sweep and report on it."
    )
    parser.add_argument("sweep", type=Path, metavar="SWEEP", help="a YAML file such as configs/ablations/fusion.yaml")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the manifest (sets data.root)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the trials and the report")
    parser.add_argument(
        "--trials", type=Path, metavar="DIR", help="folder of trials that sweeps share (default: trials in --out)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at once (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on with the sweep in --out")
    parser.add_argument("--dry-run", action="store_true", help="list the trials and how long they may take")
    parser.add_argument(
        "--engine", choices=("local", "submitit"), default="local", help="where trials run (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run what has not ended yet; 1 if a trial failed."""
    from m5kit.ablation.sweep import read_sweep
    from m5kit.errors import ConfigError

    if options.jobs < 1:
        raise ConfigError([f"--jobs: expected at least 1, got {options.jobs}"])
    sweep = read_sweep(options.sweep)
    plan = _plan(sweep, options.data)
    for name, first in plan.same.items():
        write(f"note: {name} is the same as {first}; it is trained once")
    if options.dry_run:
        _list(sweep, plan, options.trials or options.out / TRIALS, options.jobs)
        return 0
    engine = _engine(options.engine, options.out.resolve(), sweep)
    _begin(options.out, sweep, options.resume)
    return _run(options, sweep, plan, engine)


def _plan(sweep: "Sweep", data: Path | None) -> "Plan":
    """Resolve and check every variant before any of them starts."""
    from m5kit.ablation.plan import make_plan
    from m5kit.assembly.data import open_dataset
    from m5kit.config import check_config, load_config

    digests: dict[str, str] = {}

    def resolve(base: str, overrides: Sequence[str]) -> Mapping[str, Any]:
        resolved = load_config(base, overrides, data)
        config = check_config(resolved)
        place = repr((config.data.root, config.data.manifest, config.data.source))
        if place not in digests:
            found = open_dataset(config).fingerprint()
            digests[place] = str(found.get("sha256", json.dumps(found, sort_keys=True)))
        return {**resolved.values, "manifest_sha256": digests[place]}

    return make_plan(sweep, resolve)


def _begin(out: Path, sweep: "Sweep", resume: bool) -> None:
    from m5kit.ablation import trial_folder
    from m5kit.errors import CheckpointError

    file = out / "sweep.json"
    if file.exists() and not resume:
        raise CheckpointError(f"{out} already holds a sweep; add --resume to go on with it, or choose another --out")
    if resume and not file.exists():
        raise CheckpointError(f"{out} holds no sweep to resume (it has no sweep.json); leave --resume out to start one")
    trial_folder.write(file, sweep.model_dump(mode="json"))


def _run(options: argparse.Namespace, sweep: "Sweep", plan: "Plan", engine: "Engine") -> int:
    from m5kit.ablation.commands import trial_task
    from m5kit.ablation.runner import run_trials, trial_folder

    out, data = options.out.resolve(), options.data.resolve() if options.data else None
    trials = (options.trials or out / TRIALS).resolve()
    report = _reporter(out, trials, sweep, plan, options.sweep.stem)
    page, failed = report(True)
    write(f"report: {page}")

    def task(trial: "Trial") -> Mapping[str, Any]:
        return trial_task(sweep, trial, trial_folder(trials, trial).run, data)

    def after(trial: "Trial", status: "Status") -> None:
        report(False)
        seconds = f" in {status.seconds:.0f} s" if status.seconds is not None else f": {status.reason}"
        write(f"{status.state} {trial.variant}, seed {trial.seed}{seconds}")

    run_trials(trials, plan.trials, task, engine, options.jobs, after)
    page, failed = report(True)
    write(f"report: {page}")
    if failed:
        write(f"{failed} trials failed; remove a trial's folder and --resume to try it again")
    return 1 if failed else 0


def _reporter(out: Path, trials: Path, sweep: "Sweep", plan: "Plan", title: str) -> Callable[[bool], tuple[Path, int]]:
    """Writes the report of what there is now; gives its page and the number of failed trials.

    Tables are always of this moment; pictures only if asked for, else they may lag in a large sweep.
    """
    from m5kit.ablation.analysis import Question, analyse
    from m5kit.ablation.outcomes import of_sweep
    from m5kit.ablation.trial_folder import write as write_json
    from m5kit.inference.previews import keep_previews
    from m5kit.report.gallery import shown_runs
    from m5kit.report.page import write_report
    from m5kit.report.plots import Drawing

    question = Question(title, sweep.about, sweep.figures, plan.reference, sweep.interval, sweep.test)

    drawing = Drawing()

    def report(draw: bool) -> tuple[Path, int]:
        study = analyse(of_sweep(trials, plan, out), question)
        write_json(out / "study.json", study)
        for path in shown_runs(study).values():
            keep_previews(out / path)
        return write_report(study, out, drawing.of(study, out, now=draw)), len(study["failed"])

    return report


def _engine(name: str, out: Path, sweep: "Sweep") -> "Engine":
    if name == "local":
        from m5kit.ablation.local import LocalEngine

        return LocalEngine()
    from m5kit.ablation.cluster import SubmititEngine

    return SubmititEngine(out / "cluster", sweep.cluster)


def _list(sweep: "Sweep", plan: "Plan", trials: Path, jobs: int) -> None:
    from m5kit.ablation.runner import trial_folder

    statuses = {trial: trial_folder(trials, trial).status for trial in plan.trials}
    rows = [
        (trial.id, trial.variant, trial.seed, statuses[trial].state, " ".join(trial.overrides)) for trial in plan.trials
    ]
    write_table(["trial", "variant", "seed", "state", "changes"], rows)
    left = sum(status.state not in ("done", "failed") for status in statuses.values())
    write(f"{len(plan.trials)} trials, {left} to run, {jobs} at once; {os.cpu_count()} CPUs here")
    write(_estimate(sweep, [s.seconds for s in statuses.values() if s.seconds], left, jobs))


def _estimate(sweep: "Sweep", measured: Sequence[float], left: int, jobs: int) -> str:
    """From trials of this sweep that are done, else from the budget."""
    if measured:
        mean = sum(measured) / len(measured)
        return f"about {left * mean / jobs / 60:.0f} min, at {mean:.0f} s a trial as in the {len(measured)} done"
    if sweep.budget.seconds is not None:
        most = left * sweep.budget.seconds / jobs / 60
        return f"at most {most:.0f} min: the budget is {sweep.budget.seconds:g} s a trial"
    return "no trial is done and there is no budget.seconds: how long they take is not known"
