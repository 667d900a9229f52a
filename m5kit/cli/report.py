"""``m5kit report RUN...``: the page of a sweep for any runs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from m5kit.cli.options import Verbs, words
from m5kit.cli.output import write

if TYPE_CHECKING:
    from m5kit.ablation.outcomes import Found


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "report",
        help="compare runs on one page",
        description="Compare runs; those that differ only in their seed are one variant.",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a training run")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the report")
    parser.add_argument("--title", default="Runs", help="of the page (default: %(default)s)")
    parser.add_argument("--reference", metavar="NAME", help="config that others are compared with (default: the first)")
    parser.add_argument(
        "--figures", type=words, metavar="A,B", help="TASK/FIGURE as in results.json (default: one of each task)"
    )
    parser.add_argument(
        "--interval", choices=("student", "bootstrap"), default="student", help="of the mean over seeds"
    )
    parser.add_argument("--test", choices=("permutation", "t"), default="permutation", help="of the paired differences")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report."""
    from m5kit.ablation.analysis import Question, analyse
    from m5kit.ablation.outcomes import of_runs
    from m5kit.inference.previews import keep_previews
    from m5kit.report.gallery import shown_runs
    from m5kit.report.page import write_report

    found = of_runs(options.runs, options.out)
    _check_reference(options.reference, found)
    figures = options.figures or _one_of_each_task(found)
    question = Question(options.title, "", figures, options.reference or "", options.interval, options.test)
    study = analyse(found, question)
    for path in shown_runs(study).values():
        keep_previews(options.out / path)
    write(f"report: {write_report(study, options.out)}")
    return 0


def _check_reference(name: str | None, found: "Found") -> None:
    from m5kit.errors import ConfigError

    there = list(dict.fromkeys(outcome.variant for outcome in found.outcomes))
    if name is not None and name not in there:
        raise ConfigError([f"--reference: no run is called {name!r}; there are: {', '.join(there) or 'none'}"])


def _one_of_each_task(found: "Found") -> list[str]:
    """The last, as metrics put their widest figure last.

    Those of single pairs, properties or strengths of damage are too many; tasks that have nothing else give their mean
    or, if no task has either, what they have.
    """
    names = list(dict.fromkeys(name for outcome in found.outcomes for name in outcome.scores))
    whole = [name for name in names if "|" not in name or name.endswith("|mean")]
    return list({name.partition("/")[0]: name for name in whole or names}.values())
