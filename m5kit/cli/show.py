"""``m5kit show``: prints the arguments and the documentation of one part."""

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
    parser.add_argument("name", metavar="NAME", help="the part's name in a config")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the part's class, its arguments and its docstring."""
    from m5kit.arguments import argument_groups, flat_parameters
    from m5kit.cli._catalogue import families
    from m5kit.registry import FAMILIES

    (family,) = families(options.family)
    part = FAMILIES[family].get(options.name)
    write(f"{options.name} ({FAMILIES[family].singular}): {part.__module__}.{part.__qualname__}\n\n")
    filled_in = _filled_in(family, options.name, part)
    rows = [_row(parameter, filled_in) for parameter in flat_parameters(part).values()]
    if rows:
        write_table(["argument", "type", "default"], rows)
    write(f"\n{inspect.getdoc(part) or 'It has no documentation.'}")
    for name, group in argument_groups(part).items():
        write(f"\n{name} (each written by its own name): {inspect.getdoc(group)}")
    return 0


def _filled_in(family: str, name: str, part: type) -> frozenset[str]:
    """The arguments that a config may leave out."""
    from m5kit.config.parts import filled_in

    return filled_in(part) | (_provided(name) if family == "encoders" else frozenset())


def _provided(encoder: str) -> frozenset[str]:
    """The arguments that transforms of m5kit, and of the encoder's own plugin, give to the encoder they feed."""
    from m5kit import plugins
    from m5kit.registry import ENCODERS, TRANSFORMS

    transforms = list(TRANSFORMS.built_ins)
    part = None if encoder in ENCODERS.built_ins else plugins.find("encoders", encoder)
    if part is not None:  # no other plugin is imported to show this one
        published = plugins.discover().get("transforms", ())
        of_same = [other.name for other in published if other.distribution == part.distribution]
        transforms += [f"{part.distribution}:{name}" for name in of_same]
    # any of these transforms could feed the encoder, so all their facts count as filled in
    names: set[str] = set()
    for transform in transforms:
        names |= getattr(TRANSFORMS.get(transform), "provided", None) or set()
    return frozenset(names)


def _row(parameter: inspect.Parameter, filled_in: frozenset[str]) -> tuple[str, str, str]:
    """Name, type and default of an argument."""
    from m5kit.ranges import written

    if parameter.default is not parameter.empty:
        default = repr(parameter.default)
    else:
        default = "filled in" if parameter.name in filled_in else "required"
    return parameter.name, written(parameter.annotation), default
