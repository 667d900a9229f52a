"""``m5kit config``: shows a resolved config, or checks it without reading data."""

import argparse
import sys

from m5kit.cli._imports import import_quickly
from m5kit.cli._memory import print_memory
from m5kit.cli.options import Verbs, add_actions, add_config_options, load
from m5kit.cli.output import write, write_table
from m5kit.errors import ConfigError


def add_parser(verbs: Verbs) -> None:
    """Add the verb and its two actions."""
    parser = verbs.add_parser("config", help="show or check a config", description="Show or check a config.")
    actions = add_actions(parser)
    show = actions.add_parser("show", help="print the resolved config with the origin of each value")
    check = actions.add_parser("check", help="report every mistake; without one, the model's parts and parameters")
    for action, run in ((show, run_show), (check, run_check)):
        add_config_options(action)
        action.set_defaults(run=run)
    check.add_argument("--memory", action="store_true", help="predict the memory of training in one process")
    check.add_argument("--ranks", type=int, metavar="N", help="predict the memory of each of N processes")


def run_show(options: argparse.Namespace) -> int:
    """Print the resolved config."""
    from m5kit.config import annotate

    write(annotate(load(options)))
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Check the config, build its model on the meta device, and print the parts."""
    from m5kit.config import check_config

    ranks = options.ranks if options.ranks is not None else 1
    if ranks < 1:
        raise ConfigError([f"--ranks: expected at least 1, got {ranks}"])
    resolved = load(options)
    config = check_config(resolved)
    # to standard error, so that the table can be piped
    for note in resolved.notes:
        sys.stderr.write(f"note: {note}\n")
    import_quickly("m5kit.assembly.table")
    from m5kit.assembly.table import describe_model

    rows, total = [], 0
    for part, name, parameters, output in describe_model(config):
        rows.append((part, name, f"{parameters:,}", output))
        total += parameters
    write_table(["part", "class", "parameters", "output"], rows)
    write(f"{config.name}: no mistakes; {total:,} parameters")
    if options.memory or options.ranks is not None:
        print_memory(config, ranks, read=options.data is not None)
    return 0
