"""Submits training to a cluster instead of running it here."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from m5kit.cli.output import write, write_table
from m5kit.data.remote.place import absolute
from m5kit.errors import ConfigError

if TYPE_CHECKING:
    from m5kit.config import RunConfig

MINUTES = 24 * 60
"""Time that is asked for; submitit's own default is five minutes."""


def add_submission_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--engine`` and what it needs."""
    parser.add_argument(
        "--engine", choices=("here", "submitit"), default="here", help="where training runs (default: %(default)s)"
    )
    parser.add_argument("--nodes", type=int, metavar="N", help="machines of a submitted run (default: 1)")
    parser.add_argument("--gpus", type=int, metavar="N", help="GPUs, and processes, of each machine (default: 1)")
    parser.add_argument(
        "--cluster",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter of submitit's executor, such as slurm_partition=gpu or timeout_min=600; repeatable",
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be submitted")


def refuse_submission_options(options: argparse.Namespace) -> None:
    """Refuse what only a submitted run can use.

    Raises:
        ConfigError: such an option was given without ``--engine submitit``.
    """
    values = {"--nodes": options.nodes, "--gpus": options.gpus, "--cluster": options.cluster}
    given = [name for name, value in {**values, "--dry-run": options.dry_run}.items() if value]
    if given and options.engine == "here":
        raise ConfigError(
            [f"{', '.join(given)}: needs --engine submitit; training here takes the GPUs of its launcher"]
        )


def submit_training(options: argparse.Namespace, config: "RunConfig", path: Path) -> None:
    """Submit a checked run, or show it.

    Args:
        options: of the verb.
        config: checked.
        path: folder of the run, which all machines must see.

    Raises:
        ConfigError: the cluster cannot be used as asked, there are more processes than items, or there are no data.
        MissingDependencyError: submitit is not installed.
    """
    from m5kit.assembly.sources import open_dataset
    from m5kit.runs.cluster import open_executor

    parameters = _parameters(options, config)
    _require_items(parameters, config)
    open_dataset(config)  # not on a node hours later: items that are not there
    arguments = _arguments(options, path.resolve())
    _show(arguments, parameters)
    logs = path.resolve() / "cluster"
    if options.dry_run:
        write("nothing was submitted")
        return
    executor = open_executor("m5kit-train", logs, parameters, "--cluster {name}={value}")
    from m5kit.cli.main import main
    from m5kit.training.submission import TrainingJob

    job = executor.submit(TrainingJob(main, arguments))
    write(f"submitted as job {job.job_id}; its logs: {logs}")
    write(f"run folder: {path}")


def _parameters(options: argparse.Namespace, config: "RunConfig") -> dict[str, Any]:
    """Those of submitit: what the options and the config say, overwritten by what ``--cluster`` says."""
    from m5kit.config.reader import read_value

    nodes = 1 if options.nodes is None else options.nodes
    gpus = 1 if options.gpus is None else options.gpus
    problems = []
    for name, number, least in (("--nodes", nodes, 1), ("--gpus", gpus, 0)):
        if number < least:
            problems.append(f"{name}: expected at least {least}, got {number}")
    parameters: dict[str, Any] = {
        "nodes": nodes,
        "tasks_per_node": max(gpus, 1),
        "gpus_per_node": gpus,
        "cpus_per_task": 1 + config.data.workers,
        "timeout_min": MINUTES,
    }
    for setting in options.cluster:
        key, equals, value = setting.partition("=")
        if not equals:
            problems.append(f"--cluster: expected KEY=VALUE, got {setting!r}")
        else:
            parameters[key] = read_value(value, "--cluster").value  # typed as in a config: 3 is a number
    if problems:
        raise ConfigError(problems)
    return parameters


def _require_items(parameters: dict[str, Any], config: "RunConfig") -> None:
    if config.schedule.tokens is not None:
        return  # how many items a batch has is known when their sizes are
    ranks, items = parameters["nodes"] * parameters["tasks_per_node"], config.schedule.batch_size
    if items < ranks:
        raise ConfigError(
            [f"schedule.batch_size: {items} items are too few for {ranks} processes, each of which needs one"]
        )


def _arguments(options: argparse.Namespace, path: Path) -> list[str]:
    """The command of each process: the user's own, with a folder on which they agree."""
    arguments = ["train", options.config, "--run-dir", str(path)]
    if options.data is not None:
        arguments += ["--data", str(absolute(options.data))]
    for override in options.overrides:
        arguments += ["--set", override]
    return [*arguments, "--resume"] if options.resume else arguments


def _show(arguments: list[str], parameters: dict[str, Any]) -> None:
    ranks = parameters["nodes"] * parameters["tasks_per_node"]
    write(f"each of {ranks} processes runs: m5kit {' '.join(arguments)}")
    rows = [(name, value) for name, value in {"executor": "slurm", "python": sys.executable, **parameters}.items()]
    write_table(["parameter", "value"], rows)
