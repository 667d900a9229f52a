"""``m5kit train CONFIG``: pretrain or fine-tune, evaluate, and say what to do next."""

import argparse
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli.options import Verbs, add_config_options, load
from m5kit.cli.output import write
from m5kit.parallel.launcher import own_rank, recalled, restarts

if TYPE_CHECKING:
    from m5kit.config import Resolved, RunConfig
    from m5kit.parallel.group import Group
    from m5kit.train.run import TrainingEnd

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
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, then evaluate unless the run was told to stop."""
    if options.resume and options.run_dir is not None:
        _require_plugins(options.run_dir)
    resolved = load(options)
    for note in resolved.notes:
        _write(f"note: {note}")
    config = _checked(resolved)
    # Not before the config is known to be right: a mistake is told at once, and without importing torch.
    from m5kit.parallel.group import start_group

    group = start_group(config.parallel.timeout)
    with group.joined():
        ended = _train(options, resolved, group)
    if ended.stopped_by is not None:
        _write(
            f"stopped after saving a checkpoint; the same command with --run-dir {ended.path} --resume goes on from it"
        )
        return 128 + ended.stopped_by
    if group.first:
        _evaluate(ended.path)
    return 0


def _train(options: argparse.Namespace, resolved: "Resolved", group: "Group") -> "TrainingEnd":
    """Train in the folder on which all processes agree."""
    from rich.console import Console

    from m5kit.data.failures import describe_failures
    from m5kit.runs.folder import RunFolder
    from m5kit.train.run import train
    from m5kit.train.setup import TrainingPlan

    path, resume = _where(options, resolved.name) if group.first else (Path(), False)
    given, resume = group.of_first((str(path), resume))
    path = Path(given)
    _write(f"run folder: {path}")
    try:
        return train(TrainingPlan(resolved, path, resume), Console(), group)
    finally:  # also where the run fails: the items may be why
        for line in describe_failures(RunFolder(path).failures):
            _write(line)


def _write(line: str) -> None:
    """Write to the user, once however many processes there are."""
    if own_rank() == 0:
        write(line)


def _where(options: argparse.Namespace, name: str) -> tuple[Path, bool]:
    """The folder of the run, and whether one that is in it goes on."""
    path = Path(recalled("run", lambda: str(_run_dir(options.run_dir, options.resume, name))))
    # Processes that a launcher starts again are told nothing of what they had begun.
    return path, options.resume or (restarts() > 0 and (path / "config.yaml").exists())


def _require_plugins(path: Path) -> None:
    """Before the config is read, whose pieces may come with the plugin that is missing."""
    from m5kit.runs.folder import RunFolder
    from m5kit.runs.json import read_json
    from m5kit.runs.provenance import require_plugins

    require_plugins(read_json(RunFolder.open(path).provenance))


def _checked(resolved: "Resolved") -> "RunConfig":
    """Before anything is written: a run should not fail only after its training, at its metrics.

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
        return _new_folder(RUNS / f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    before = sorted(path for path in RUNS.glob(f"{stem}-*") if (path / "config.yaml").exists())
    if not before:
        raise CheckpointError(f"there is no run of {name} below {RUNS}/ to resume; name its folder with --run-dir")
    return before[-1]


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
