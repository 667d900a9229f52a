"""``m5kit plugins``: lists plugins and tests whether they work, runs the conformance kit, starts a new plugin."""

import argparse

from m5kit.cli.options import Verbs, add_actions
from m5kit.cli.output import write, write_json, write_table
from m5kit.data.remote.place import as_path

IMPORT_LIMIT = 30.0
CHECK_LIMIT = 300.0


def add_parser(verbs: Verbs) -> None:
    """Add the verb and its four actions."""
    parser = verbs.add_parser("plugins", help="list, show, check or start plugins", description="Work with plugins.")
    actions = add_actions(parser)
    listing = actions.add_parser("list", help="list plugins and whether they work; exits with 1 if one does not")
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    listing.add_argument("--quick", action="store_true", help="read metadata only, import nothing")
    listing.set_defaults(run=run_list)
    show = actions.add_parser("show", help="describe a distribution, its parts and their arguments")
    show.add_argument("name", metavar="NAME", help="a distribution, or one of its parts")
    show.set_defaults(run=run_show)
    check = actions.add_parser("check", help="run the conformance kit on each part, in a separate process")
    about = "a distribution, one of its parts, or a file that registers some (default: all)"
    check.add_argument("name", metavar="NAME", nargs="?", help=about)
    check.add_argument(
        "--limit", type=float, default=CHECK_LIMIT, metavar="S", help="seconds a part may take (default: %(default)g)"
    )
    check.set_defaults(run=run_check)
    new = actions.add_parser("new", help="write a complete plugin to start from")
    new.add_argument("family", metavar="FAMILY", help="encoder, fusion, task, metric, ..., or modality")
    new.add_argument("name", metavar="NAME", help="the part's name in a config, such as my_encoder")
    new.add_argument("--out", type=as_path, metavar="DIR", help="folder to write (default: m5kit-FAMILY-NAME)")
    new.set_defaults(run=run_new)


def run_list(options: argparse.Namespace) -> int:
    """Print every published part and whether it works; 1 if a part does not."""
    from m5kit.cli._plugins import health, unread

    rows, broken = health(None if options.quick else IMPORT_LIMIT), unread()
    if options.json:
        write_json({"parts": [row.as_json() for row in rows], "problems": broken})
    elif not rows and not broken:
        write("no plugin is installed; m5kit plugins new encoder my_encoder writes one")
    else:
        headers = ["distribution", "version", "api", "licence", "family", "name", "health"]
        write_table(headers, [row.as_row() for row in rows])
        for problem in broken:
            write(f"broken: {problem}")
    return int(bool(broken) or any(row.problem for row in rows))


def run_show(options: argparse.Namespace) -> int:
    """Print the description of a distribution and the arguments of its parts."""
    from m5kit.cli._plugins import describe, named

    for text in describe(named(options.name)):
        write(text)
    return 0


def run_check(options: argparse.Namespace) -> int:
    """Run the conformance kit on every part of a distribution; 1 if one failed or there is none."""
    from m5kit.cli._plugins import check_part, in_use_with, named

    failed = 0
    with in_use_with(options.name) as name:
        parts = named(name)
        for part in parts:  # written one by one: a check may take minutes
            passed, report = check_part(part, options.limit)
            write(f"{'ok    ' if passed else 'FAILED'} {report}")
            failed += not passed
    checked = f"{len(parts)} part{'' if len(parts) == 1 else 's'} checked, {failed} failed"
    write(checked if parts else "there is no plugin to check")
    return int(failed > 0 or not parts)


def run_new(options: argparse.Namespace) -> int:
    """Write a new distribution."""
    from m5kit.cli._catalogue import families
    from m5kit.cli._scaffold import write_distribution
    from m5kit.cli._scaffold_modality import KIND, write_modality

    if options.family == KIND:
        family, folder = KIND, write_modality(options.name, options.out)
    else:
        (named,) = families(options.family)
        family, folder = named.removesuffix("s"), write_distribution(named, options.name, options.out)
    place = folder if folder.is_absolute() else f"./{folder}"
    write(f"wrote {folder}; next:\n  pip install --editable {place}\n  pytest {place}")
    write(f"  m5kit plugins check m5kit-{family}-{options.name.replace('_', '-')}")
    return 0
