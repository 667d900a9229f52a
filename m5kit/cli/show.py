"""``m5kit show``: how one part is configured and what it does."""

import argparse
import inspect

from m5kit.cli.options import Verbs
from m5kit.cli.output import write, write_table


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "show", help="show one part: arguments, defaults, documentation", description="Show one registered part."
    )
    parser.add_argument("family", metavar="FAMILY", help="encoders, fusions, tasks, ...")
    parser.add_argument("name", metavar="NAME", help="as a config writes it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print where the part lives, its arguments and its docstring."""
    from m5kit.arguments import argument_groups, flat_parameters
    from m5kit.cli._catalogue import families
    from m5kit.registry import FAMILIES

    (family,) = families(options.family)
    part = FAMILIES[family].get(options.name)
    write(f"{options.name} ({FAMILIES[family].singular}): {part.__module__}.{part.__qualname__}\n\n")
    rows = [_row(parameter) for parameter in flat_parameters(part).values()]
    if rows:
        write_table(["argument", "type", "default"], rows)
    write(f"\n{inspect.getdoc(part) or 'It has no documentation.'}")
    for name, group in argument_groups(part).items():
        write(f"\n{name} (each written by its own name): {inspect.getdoc(group)}")
    return 0


def _row(parameter: inspect.Parameter) -> tuple[str, str, str]:
    from m5kit.config.parts import INJECTED

    if parameter.default is not parameter.empty:
        default = repr(parameter.default)
    else:
        default = "filled in" if parameter.name in INJECTED else "required"
    return parameter.name, inspect.formatannotation(parameter.annotation), default
