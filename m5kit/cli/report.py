"""``m5kit report RUN...``: the page of a sweep for any runs."""

import argparse

from m5kit.cli.options import Verbs, add_permissions, words
from m5kit.cli.output import write
from m5kit.data.aside import naming
from m5kit.data.remote.place import as_path


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "report",
        help="compare runs on one page",
        description="Compare runs; those that differ only in their seed are one variant.",
    )
    parser.add_argument("runs", nargs="+", type=as_path, metavar="RUN", help="folder of a training run")
    parser.add_argument("--out", type=as_path, required=True, metavar="DIR", help="folder of the report")
    parser.add_argument("--title", default="Runs", help="of the page (default: %(default)s)")
    parser.add_argument("--reference", metavar="NAME", help="config that others are compared with (default: the first)")
    parser.add_argument(
        *("--metrics", "--figures"),
        type=words,
        metavar="A,B",
        help="TASK/METRIC as in results.json (default: one of each task); --figures is its older name",
    )
    parser.add_argument(
        "--interval",
        choices=("student", "bootstrap"),
        default="student",
        help="of the mean over seeds (default: %(default)s)",
    )
    parser.add_argument(
        "--test", choices=("permutation", "t"), default="permutation", help="of differences (default: %(default)s)"
    )
    add_permissions(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report."""
    from m5kit.ablation.comparison import compare_runs

    with naming(options.out):
        page = compare_runs(
            options.runs,
            options.out,
            title=options.title,
            reference=options.reference,
            metrics=options.metrics,
            interval=options.interval,
            test=options.test,
        )
    write(f"report: {page}")
    return 0
