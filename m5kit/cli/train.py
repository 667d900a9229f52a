"""``m5kit train CONFIG``: pretrain or fine-tune, evaluate, and say what to do next."""

import argparse
import itertools
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli._submission import add_submission_options, refuse_submission_options, submit_training
from m5kit.cli.options import Verbs, add_config_options, load
from m5kit.cli.output import write

if TYPE_CHECKING:
    from m5kit.config import Resolved, RunConfig

RUNS = Path("runs")


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "train", help="pretrain or fine-tune a model", description="Pretrain or fine-tune a model, then evaluate it."
    )
    add_config_options(parser)
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help=f"folder of the run (default: {RUNS}/NAME-TIME)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the last checkpoint; without --run-dir, of this config's newest run",
    )
    add_submission_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, then evaluate unless the run was told to stop."""
    from rich.console import Console

    from m5kit.data.failures import describe_failures
    from m5kit.runs.folder import RunFolder
    from m5kit.train.run import train
    from m5kit.train.setup import TrainingPlan

    if options.engine == "submitit":
        return _submit(options)
    refuse_submission_options(options)
    _require_one_process()
    if options.resume and options.run_dir is not None:
        _require_plugins(options.run_dir)
    resolved = load(options)
    path = _run_dir(options.run_dir, options.resume, resolved.name)
    for note in resolved.notes:
        write(f"note: {note}")
    write(f"run folder: {path}")
    _require_metrics(resolved)
    try:
        ended = train(TrainingPlan(resolved, path, options.resume), Console())
    finally:  # also where the run fails: the items may be why
        for line in describe_failures(RunFolder(path).failures):
            write(line)
    if ended.stopped_by is not None:
        write(f"stopped after saving a checkpoint; the same command with --run-dir {path} --resume goes on from it")
        return 128 + ended.stopped_by
    _evaluate(ended.path)
    return 0


def _submit(options: argparse.Namespace) -> int:
    """Submit training to a cluster; all that is wrong with it is told here, not by a job that waited for hours."""
    if options.resume and options.run_dir is not None:
        _require_plugins(options.run_dir)
    resolved = load(options)
    for note in resolved.notes:
        write(f"note: {note}")
    config = _require_metrics(resolved)
    if options.run_dir is None and not options.resume:
        path = _new_path(resolved.name)  # made by the first process of the job
    else:
        path = _run_dir(options.run_dir, options.resume, resolved.name)
    submit_training(options, config, path)
    return 0


def _require_one_process() -> None:
    """Several ranks would train copies of one model into one folder.

    Raises:
        ConfigError: a launcher such as torchrun started more than one.
    """
    from m5kit.errors import ConfigError

    ranks = os.environ.get("WORLD_SIZE", "1")
    if ranks != "1":
        raise ConfigError(
            [f"WORLD_SIZE is {ranks}: m5kit trains in one process as yet; start it without torchrun, or on one rank"]
        )


def _require_plugins(path: Path) -> None:
    """Before the config is read, whose pieces may come with the plugin that is missing."""
    from m5kit.runs.folder import RunFolder
    from m5kit.runs.json import read_json
    from m5kit.runs.provenance import require_plugins

    require_plugins(read_json(RunFolder.open(path).provenance))


def _require_metrics(resolved: "Resolved") -> "RunConfig":
    """Before anything is written: a run should not fail only after its training, at its metrics.

    Returns:
        The config, checked.

    Raises:
        ConfigError: the config has mistakes, or a metric that it names cannot be computed.
    """
    from m5kit.config import check_config
    from m5kit.errors import ConfigError
    from m5kit.inference.evaluation_check import metric_problems

    config = check_config(resolved)
    problems = list(metric_problems(config))
    if problems:
        raise ConfigError(problems)
    return config


def _run_dir(given: Path | None, resume: bool, name: str) -> Path:
    """The folder that is named, a new one, or that of the newest run of a config."""
    from m5kit.errors import CheckpointError

    stem = name.replace("/", "-")
    if given is not None:
        return given
    if not resume:
        return _new_folder(_new_path(name))
    before = sorted(path for path in RUNS.glob(f"{stem}-*") if (path / "config.yaml").exists())
    if not before:
        raise CheckpointError(f"there is no run of {name} below {RUNS}/ to resume; name its folder with --run-dir")
    return before[-1]


def _new_path(name: str) -> Path:
    return RUNS / f"{name.replace('/', '-')}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _new_folder(path: Path) -> Path:
    """Make the folder, or one with a number behind its name where another run has begun in the same second."""
    for number in itertools.count(1):
        folder = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            folder.mkdir(parents=True)  # one step for the file system: of two processes only one succeeds
        except FileExistsError:
            continue
        return folder
    raise AssertionError("there is always a next number")


def _evaluate(path: Path) -> None:
    """Compute the metrics of a run that is trained, and name the commands that follow."""
    from m5kit.cli.evaluate import show
    from m5kit.inference.evaluation import evaluate
    from m5kit.inference.trained_run import TrainedRun
    from m5kit.report.curves import draw_curves

    trained = TrainedRun.open(path)
    folder = trained.folder
    draw_curves(folder.metrics, folder.curves, trained.config.name)
    if trained.config.evaluation:
        write("evaluating")
        evaluation = evaluate(trained, store=True)
        show(evaluation)
    write(f"\nlosses and modality weights: {folder.curves}")
    write(f"TensorBoard:                 tensorboard --logdir {folder.events}")
    write(f"evaluate again, or in part:  m5kit evaluate {path} --modalities {','.join(trained.data.pipelines)}")
    write(f"embed your items:            m5kit embed {path} --data {trained.data.root} --out embeddings.parquet")
