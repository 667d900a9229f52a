"""``m5kit list``: prints the registered parts without importing them."""

import argparse

from m5kit.cli.options import Verbs
from m5kit.cli.output import write_table


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser("list", help="list the registered parts", description="List the registered parts.")
    parser.add_argument("family", nargs="?", metavar="FAMILY", help="encoders, fusions, tasks, ... (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print family, name, first line of the docstring and origin of each part."""
    from m5kit.cli._catalogue import Entry, entries, families

    rows: list[Entry] = []
    for family in families(options.family):
        rows += entries(family)
    write_table(["family", "name", "summary", "origin"], rows)
    return 0
