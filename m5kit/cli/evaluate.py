"""``m5kit evaluate RUN``: the metrics of a trained run, or of a features file."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write, write_table
from m5kit.errors import ConfigError

if TYPE_CHECKING:
    from m5kit.inference.evaluation import Evaluation


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "evaluate",
        help="run the metrics",
        description="Run the metrics of a trained run, or of a features file.",
    )
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of a training run, or a features file")
    parser.add_argument("--config", metavar="CONFIG", help="of a features file: the config that names the tasks")
    parser.add_argument("--data", type=Path, metavar="DIR", help="items to use instead of those it was trained on")
    parser.add_argument("--tasks", type=words, metavar="A,B", help="names from the config's evaluation (default: all)")
    parser.add_argument(
        "--modalities",
        type=words,
        action="append",
        metavar="A,B",
        help="let the model see only these; again for further subsets, all from one pass over the items",
    )
    parser.add_argument("--all-subsets", action="store_true", help="once for every subset of the run's modalities")
    parser.add_argument("--untrained", action="store_true", help="with the weights before training, to compare with")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate; the values of all metrics on the run's own items are also stored in the run folder."""
    if options.config is not None or options.run_folder.is_file():
        return _run_on_file(options)
    from m5kit.inference.evaluation import all_subsets, evaluate, evaluate_subsets
    from m5kit.inference.trained_run import TrainedRun

    trained = TrainedRun.open(options.run_folder, data=options.data, untrained=options.untrained)
    whole = not (options.tasks or options.data or options.untrained)
    subsets = all_subsets(sorted(trained.data.pipelines)) if options.all_subsets else options.modalities
    if subsets is None:
        _print(evaluate(trained, options.tasks, store=whole), options.json)
    elif len(subsets) == 1:
        _print(evaluate_subsets(trained, subsets, options.tasks, store=whole).popitem()[1], options.json)
    else:
        _print_subsets(evaluate_subsets(trained, subsets, options.tasks, store=whole), options.json)
    return 0


def _run_on_file(options: argparse.Namespace) -> int:
    """Evaluate embeddings that were made before."""
    from m5kit.inference.evaluation_file import evaluate_file

    if options.config is None:
        raise ConfigError(["--config: a features file does not say which tasks to run; name a config, as demo/scale"])
    needs_run = {"--data": options.data, "--modalities": options.modalities, "--all-subsets": options.all_subsets}
    given = [name for name, value in {**needs_run, "--untrained": options.untrained}.items() if value]
    if given:
        raise ConfigError([f"{', '.join(given)}: these need a run; a features file holds finished embeddings"])
    _print(evaluate_file(options.run_folder, options.config, options.tasks), options.json)
    return 0


def _print(evaluation: "Evaluation", as_json: bool) -> None:
    if as_json:
        write(json.dumps(evaluation.as_json(), indent=2))
    else:
        show(evaluation)


def _print_subsets(found: Mapping[str, "Evaluation"], as_json: bool) -> None:
    if as_json:
        write(json.dumps({name: evaluation.as_json() for name, evaluation in found.items()}, indent=2))
        return
    for name, evaluation in found.items():
        write(f"sees {name}:")
        show(evaluation)


def show(evaluation: "Evaluation") -> None:
    """Print the values as a table, and what was skipped."""
    from m5kit.report.results import HEADINGS, result_rows

    if evaluation.results:
        write_table(HEADINGS, result_rows(evaluation.as_json()["results"]))
    for task, reason in evaluation.skipped.items():
        write(f"skipped {task}: {reason}")
