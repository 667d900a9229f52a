"""``m5kit evaluate RUN``: computes the metrics of a trained run, or of a features file."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from m5kit.cli._evaluation_checks import require_items, require_values
from m5kit.cli._imports import import_quickly
from m5kit.cli.options import Verbs, add_engine, add_permissions, chosen_names, words
from m5kit.cli.output import write, write_json, write_table
from m5kit.data.remote.place import absolute, as_path, as_place
from m5kit.errors import ConfigError

if TYPE_CHECKING:
    from m5kit.inference.evaluation import Evaluation
    from m5kit.inference.sizes import SizedEvaluation
    from m5kit.inference.trained_run import TrainedRun
    from m5kit.parallel.group import Group


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "evaluate",
        help="run the metrics",
        description="Run the metrics of a trained run, or of a features file.",
    )
    parser.add_argument("run_folder", metavar="RUN", type=as_path, help="folder of a training run, or a features file")
    parser.add_argument("--config", metavar="CONFIG", help="for a features file: the config that names the metrics")
    parser.add_argument("--data", type=as_place, metavar="DIR", help="other items than those of the run")
    parser.add_argument(
        *("--metrics", "--tasks"),  # --tasks is the older name
        dest="metrics",
        type=chosen_names,
        metavar="A,B",
        help="names from the config's evaluation (default: all)",
    )
    parser.add_argument(
        "--modalities",
        type=words,
        action="append",
        metavar="A,B",
        help="the only modalities that the model sees; repeatable, all subsets share one pass over the items",
    )
    parser.add_argument("--all-subsets", action="store_true", help="evaluate every subset of the run's modalities")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="evaluation.NAME.type=knn adds a metric, evaluation.NAME.KEY=VALUE changes one; repeatable",
    )
    parser.add_argument("--untrained", action="store_true", help="use the weights before training, for comparison")
    parser.add_argument(
        "--widths",
        type=words,
        metavar="N,M",
        help="also evaluate shortened vectors, and print what is left at each size",
    )
    parser.add_argument(
        "--precisions",
        type=words,
        default=(),
        metavar="A,B",
        help="with --widths: float32 (default), float16, int8, binary",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_engine(parser)
    add_permissions(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate and print; if all metrics ran on the run's own items, also store the values in the run folder."""
    if options.config is not None or options.run_folder.is_file():
        return _run_on_file(options)
    import_quickly("m5kit.inference.evaluation")
    from m5kit.inference.trained_run import WAIT
    from m5kit.parallel.start import start_group

    group = start_group(WAIT)
    with group.joined():
        return _run_on_folder(options, group)


def _run_on_folder(options: argparse.Namespace, group: "Group") -> int:
    """Evaluate a run; of several processes the first one prints."""
    if options.widths is not None or options.precisions:
        return _run_on_sizes(options, group)
    from m5kit.inference.evaluation import all_subsets, evaluate, evaluate_subsets
    from m5kit.inference.run_metrics import config_with_metrics
    from m5kit.runs.folder import RunFolder

    if options.overrides:
        config_with_metrics(RunFolder.open(options.run_folder), options.overrides)
    trained = _open(options, group)
    if not options.untrained and trained.unfinished and group.first:
        sys.stderr.write(f"note: evaluated at {trained.unfinished}\n")
    require_items(trained, options)
    changed = trained.changed_items if group.first and not options.data else None
    if changed:
        sys.stderr.write(f"note: {changed}; the values are those of the items as they are now\n")
    # a part of the metrics, other metrics or other items must not replace the run's own results
    whole = not (options.metrics or options.overrides or options.data or options.untrained)
    if whole and group.first and not os.access(options.run_folder, os.W_OK):
        sys.stderr.write(f"note: {options.run_folder} may not be written, so the values are shown and not stored\n")
        whole = False
    subsets = all_subsets(sorted(trained.data.pipelines)) if options.all_subsets else options.modalities
    if subsets is None:
        found = {"": evaluate(trained, options.metrics, store=whole)}
    else:
        found = evaluate_subsets(trained, subsets, options.metrics, store=whole)
    if not group.first:
        return 0
    if len(found) == 1:
        _print(next(iter(found.values())), options.json)
    else:
        _print_subsets(found, options.json)
    require_values(found, options.metrics)
    return 0


def _open(options: argparse.Namespace, group: "Group") -> "TrainedRun":
    """The run, embedded here or by a cluster."""
    if options.engine == "ray":
        from m5kit.inference.ray_embedding import Opening, RunOnRay

        data = None if options.data is None else absolute(options.data)
        overrides = tuple(options.overrides)
        return RunOnRay.of(Opening(options.run_folder.absolute(), data, overrides, options.untrained))
    from m5kit.inference.trained_run import TrainedRun

    return TrainedRun.open(options.run_folder, options.data, options.overrides, options.untrained, group)


def _run_on_sizes(options: argparse.Namespace, group: "Group") -> int:
    """Evaluate a run at several sizes of its vectors, and print a table; nothing is stored.

    Raises:
        ConfigError: a size that cannot be, or options that do not go together.
    """
    together = {"--modalities": options.modalities, "--all-subsets": options.all_subsets}
    given = [name for name, value in together.items() if value]
    if given:
        raise ConfigError([f"{', '.join(given)}: not together with --widths; evaluate one or the other"])
    unknown = [word for word in options.widths or () if not word.isdecimal()]
    if unknown:
        raise ConfigError([f"--widths: expected whole numbers such as 64,128; got {', '.join(unknown)}"])
    from m5kit.inference.sizes import evaluate_sizes, sizes

    chosen = sizes([int(word) for word in options.widths or ()], options.precisions)
    trained = _open(options, group)
    require_items(trained, options)
    found = evaluate_sizes(trained, chosen, options.metrics)
    if not group.first:
        return 0
    if options.json:
        write_json([each.as_json() for each in found])
    else:
        show_sizes(found)
    require_values({str(each.size): each.evaluation for each in found}, options.metrics)
    return 0


def _run_on_file(options: argparse.Namespace) -> int:
    """Evaluate the embeddings in a features file."""
    from m5kit.inference.evaluation_file import evaluate_file

    if options.config is None:
        raise ConfigError(["--config: a features file names no metrics; give a config such as demo/scale"])
    needs_run = {
        "--data": options.data,
        "--modalities": options.modalities,
        "--all-subsets": options.all_subsets,
        "--untrained": options.untrained,
        "--widths": options.widths,
        "--engine ray": options.engine == "ray",
    }
    given = [name for name, value in needs_run.items() if value]
    if given:
        raise ConfigError([f"{', '.join(given)}: these need a run; a features file holds finished embeddings"])
    evaluation = evaluate_file(options.run_folder, options.config, options.metrics, options.overrides)
    _print(evaluation, options.json)
    require_values({"": evaluation}, options.metrics)
    return 0


def _print(evaluation: "Evaluation", as_json: bool) -> None:
    """Print an evaluation as a table or as JSON."""
    if as_json:
        write_json(evaluation.as_json())
    else:
        show(evaluation)


def _print_subsets(found: Mapping[str, "Evaluation"], as_json: bool) -> None:
    """Print the evaluation of each subset, or all of them as one JSON mapping."""
    if as_json:
        write_json({name: evaluation.as_json() for name, evaluation in found.items()})
        return
    for name, evaluation in found.items():
        write(f"modalities {name}:")
        show(evaluation)


def show(evaluation: "Evaluation") -> None:
    """Print the values as a table, and why metrics were skipped."""
    from m5kit.report.results import HEADINGS, main_values, result_rows

    results = evaluation.as_json()["results"]
    shown = main_values(results)
    if shown:
        write_table(HEADINGS, result_rows(shown))
    for metric, values in results.items():
        more = len(values) - len(shown[metric])
        if more:
            write(f"{metric}: {more} further values in results.json, or with --json")
    for metric, reason in evaluation.skipped.items():
        write(f"skipped {metric}: {reason}")


def show_sizes(found: Sequence["SizedEvaluation"]) -> None:
    """Print a row a size, with the main value of each metric, and why metrics were skipped."""
    from m5kit.report.results import size_headings, size_rows

    results = [each.as_json() for each in found]
    write_table(size_headings(results), size_rows(results))
    for metric, reason in found[0].evaluation.skipped.items():
        write(f"skipped {metric}: {reason}")
