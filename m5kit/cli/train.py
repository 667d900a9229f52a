"""``m5kit train CONFIG``: pretrain or fine-tune, evaluate, and say what to do next."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli._imports import import_quickly
from m5kit.cli._submission import add_submission_options, refuse_submission_options, submit_training
from m5kit.cli.options import Verbs, add_config_options, load, require_data
from m5kit.cli.output import write
from m5kit.data.remote.place import as_path
from m5kit.parallel.launcher import own_rank, recalled, restarts
from m5kit.permissions import allowing_links

if TYPE_CHECKING:
    from m5kit.config import Resolved
    from m5kit.parallel.group import Group
    from m5kit.training.run import TrainingEnd


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "train", help="pretrain or fine-tune a model", description="Pretrain or fine-tune a model, then evaluate it."
    )
    add_config_options(parser)
    parser.add_argument("--run-dir", type=as_path, metavar="DIR", help="folder of the run (default: runs/NAME-TIME)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the last checkpoint; without --run-dir, of this config's newest run",
    )
    add_submission_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train, here or as a job of a cluster, then evaluate unless the run was told to stop."""
    refuse_submission_options(options)
    # Before anything heavy is imported: a wrong name or folder is told at once.
    if options.run_dir is not None:
        _require_run_dir(options.run_dir, options.resume)
    composed = load(options)
    require_data(composed, options)
    import_quickly("m5kit.inference.suited_config", "m5kit.training.run")
    resolved = _suited(options, composed)
    for note in resolved.notes:
        _write(f"note: {note}")
    from m5kit.config import check_config

    config = check_config(resolved)
    if options.engine == "submitit":
        submit_training(options, config, _path_of_job(options, resolved.name))
        return 0
    from m5kit.parallel.start import start_group

    group = start_group(config.parallel.timeout)
    with group.joined():
        ended = _train(options, resolved, group)
        if ended.stopped_by is None:
            # The config is the caller's own here, so what it allows holds for its run folder too.
            with allowing_links(config.data.follow_links):
                _evaluate(ended.path, group)
    if ended.stopped_by is not None:
        _write(
            f"stopped after saving a checkpoint; the same command with --run-dir {ended.path} --resume goes on from it"
        )
        return 128 + ended.stopped_by
    return 0


def _train(options: argparse.Namespace, resolved: "Resolved", group: "Group") -> "TrainingEnd":
    """Train in the folder on which all processes agree."""
    from m5kit.data.failures import describe_failures
    from m5kit.runs.folder import RunFolder
    from m5kit.training.progress import OpenConsole
    from m5kit.training.run import train
    from m5kit.training.setup import TrainingPlan

    path, resume = _where(options, resolved.name) if group.first else (Path(), False)
    given, resume = group.of_first((str(path), resume))
    path = Path(given)
    _write(f"run folder: {path}")
    try:
        return train(TrainingPlan(resolved, path, resume), OpenConsole(), group)
    except BrokenPipeError:
        sys.stderr.write(f"nobody reads the output; the run in {path} ended early; {RunFolder(path).next_step}\n")
        raise
    finally:  # also where the run fails: the items may be why
        for line in describe_failures(RunFolder(path).failures):
            _write(line)


def _path_of_job(options: argparse.Namespace, name: str) -> Path:
    """The folder of a submitted run; a new one is made by the first process of the job."""
    from m5kit.runs.folder import new_path

    if options.run_dir is None and not options.resume:
        return new_path(name)
    return _run_dir(options.run_dir, options.resume, name)


def _write(line: str) -> None:
    """Write to the user, once however many processes there are."""
    if own_rank() == 0:
        write(line)


def _where(options: argparse.Namespace, name: str) -> tuple[Path, bool]:
    """The folder of the run, and whether one that is in it goes on."""
    path = Path(recalled("run", lambda: str(_run_dir(options.run_dir, options.resume, name))))
    # Processes that a launcher starts again are told nothing of what they had begun.
    return path, options.resume or (restarts() > 0 and (path / "config.yaml").exists())


def _require_run_dir(path: Path, resume: bool) -> None:
    """See that a run may begin in a folder, or go on there with its plugins, which pieces of the config may need."""
    from m5kit.runs.folder import RunFolder
    from m5kit.runs.provenance import require_plugins

    if resume:
        folder = RunFolder.open(path)
        require_plugins(folder.read(folder.provenance))
    elif own_rank() == 0 and not restarts():  # others may come when the first has begun, or all of them a second time
        RunFolder(path).require_free()


def _suited(options: argparse.Namespace, composed: "Resolved") -> "Resolved":
    """The config as its data allow; before anything is written, so that no run fails only after its training."""
    from m5kit.config import load_config
    from m5kit.inference.suited_config import suit_config

    def compose(overrides: Sequence[str]) -> "Resolved":
        return composed if overrides == options.overrides else load_config(options.config, overrides, options.data)

    # a run that was begun may be ended as it is
    return suit_config(compose, options.overrides, measured=not options.resume)


def _run_dir(given: Path | None, resume: bool, name: str) -> Path:
    """The folder that is named, a new one, or that of the newest run of a config."""
    from m5kit.errors import CheckpointError
    from m5kit.runs.folder import RUNS, RunFolder, newest_path

    if given is not None:
        return given
    if not resume:
        return RunFolder.new(name).path
    newest = newest_path(name)
    if newest is None:
        raise CheckpointError(f"there is no run of {name} below {RUNS}/ to resume; name its folder with --run-dir")
    return newest


def _evaluate(path: Path, group: "Group") -> None:
    """Compute the metrics of a run that is trained, and name the commands that follow."""
    from m5kit.cli._evaluation_checks import require_values
    from m5kit.cli.evaluate import show
    from m5kit.inference.evaluation import evaluate
    from m5kit.inference.trained_run import TrainedRun
    from m5kit.report.curves import draw_curves

    group.wait()  # the first process may still be writing the last checkpoint
    trained = TrainedRun.open(path, group=group)
    folder = trained.folder
    if group.first:
        draw_curves(folder.metrics, folder.curves, trained.config.name)
    evaluation = None
    if trained.config.evaluation:
        _write(f"evaluating {trained.unfinished}" if trained.unfinished else "evaluating")
        evaluation = evaluate(trained, store=True)
        show(evaluation)  # all but the first process have nothing to show
    _write(f"\nlosses and modality weights: {folder.curves}")
    _write(f"TensorBoard:                 tensorboard --logdir {folder.events}")
    data, modalities = trained.config.data.root, list(trained.data.pipelines)
    # two modalities show how a subset is written
    part = f" --modalities {','.join(modalities[:2])}" if len(modalities) > 2 else ""
    _write(f"evaluate again{', or in part:' if part else ':             '}  m5kit evaluate {path}{part}")
    _write(f"embed your items:            m5kit embed {path} --data {data} --out embeddings.parquet")
    _write(f"search your items:           m5kit index {path} --data {data} --out my.index")
    if evaluation is not None:  # last, so that the run that is trained has been named
        require_values({"": evaluation}, None)
