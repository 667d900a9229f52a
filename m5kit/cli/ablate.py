"""``m5kit ablate SWEEP``: train what a sweep file varies, and report after every trial."""

import argparse
import os
from typing import TYPE_CHECKING

from m5kit.cli.options import Verbs, add_permissions
from m5kit.cli.output import write, write_table
from m5kit.data.remote.place import as_path, as_place
from m5kit.permissions import allowing_links

if TYPE_CHECKING:
    from m5kit.ablation.preparation import PreparedSweep


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "ablate", help="train variants over seeds and compare them", description="Run a sweep and report on it."
    )
    parser.add_argument("sweep", metavar="SWEEP", help="a YAML file, or the name of a shipped one such as fusion")
    parser.add_argument("--data", type=as_place, metavar="DIR", help="folder of the manifest (sets data.root)")
    parser.add_argument("--out", type=as_path, required=True, metavar="DIR", help="folder of the trials and the report")
    parser.add_argument(
        "--trials", type=as_path, metavar="DIR", help="folder of trials that sweeps share (default: trials in --out)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at once (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on with the sweep in --out")
    parser.add_argument("--retry", action="store_true", help="run trials that failed once more")
    parser.add_argument("--dry-run", action="store_true", help="list the trials and how long they may take")
    parser.add_argument(
        "--engine",
        choices=("local", "submitit", "ray"),
        default="local",
        help="where trials run (default: %(default)s)",
    )
    add_permissions(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run what has not ended yet; 1 if a trial failed."""
    from m5kit.config.roots import find_sweep
    from m5kit.errors import ConfigError

    if options.jobs < 1:
        raise ConfigError([f"--jobs: expected at least 1, got {options.jobs}"])
    file = find_sweep(options.sweep)  # before torch is imported, which takes seconds
    from m5kit.ablation.orchestration import run_sweep
    from m5kit.ablation.preparation import prepare_sweep

    prepared = prepare_sweep(file, options.out, options.data, options.trials)
    for name, first in prepared.plan.same.items():
        write(f"note: {name} is the same as {first}; it is trained once")
    if options.dry_run:
        _list(prepared, options.jobs)
        return 0
    # the configs are the caller's own here, so what they allow holds for the run folders of their trials too
    with allowing_links(prepared.follows_links):
        result = run_sweep(
            prepared,
            tell=write,
            jobs=options.jobs,
            resume=options.resume,
            retry=options.retry,
            engine=options.engine,
        )
    write(f"report: {result.page}")
    if result.failed:
        write(f"{result.failed} trials failed; --resume --retry runs them once more")
    return 1 if result.failed else 0


def _list(prepared: "PreparedSweep", jobs: int) -> None:
    from m5kit.ablation.preparation import estimate_duration

    rows, common = [], prepared.sweep.set
    for trial in prepared.plan.trials:
        state = prepared.status(trial).state
        own = [change for change in trial.overrides[:-1] if change not in common]  # the last one sets the seed
        rows.append((trial.id, trial.variant, trial.seed, state, " ".join(own)))
    if common:
        write(f"every trial: {' '.join(common)}")
    write_table(["trial", "variant", "seed", "state", "changes"], rows)
    write(f"{len(rows)} trials, {prepared.left} to run, {jobs} at once; {os.cpu_count()} CPUs here")
    write(estimate_duration(prepared, jobs))
