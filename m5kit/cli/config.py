"""``m5kit config``: what a config means, and whether it is right, before any data is touched."""

import argparse
import sys

from m5kit.cli.options import Verbs, add_config_options, load
from m5kit.cli.output import write, write_table


def add_parser(verbs: Verbs) -> None:
    """Add the verb and its two actions."""
    parser = verbs.add_parser("config", help="show or check a config", description="Show or check a config.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print the resolved config with the origin of each value")
    check = actions.add_parser("check", help="report every mistake, or the shapes and parameters of the model")
    for action, run in ((show, run_show), (check, run_check)):
        add_config_options(action)
        action.set_defaults(run=run)


def run_show(options: argparse.Namespace) -> int:
    """Print the resolved config."""
    from m5kit.config import annotate

    write(annotate(load(options)))
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Check the config, then build its model on the meta device and print its parts."""
    from m5kit.config import check_config

    resolved = load(options)
    config = check_config(resolved)
    for note in resolved.notes:
        sys.stderr.write(f"note: {note}\n")
    from m5kit.assembly.model import describe_model

    rows = describe_model(config)
    write_table(["part", "class", "parameters", "output"], [(*row[:2], f"{row[2]:,}", row[3]) for row in rows])
    write(f"{config.name}: no mistakes; {sum(row[2] for row in rows):,} parameters")
    return 0
