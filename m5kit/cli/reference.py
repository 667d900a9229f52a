"""``m5kit reference DIR``: writes pages about every registered part, including those of plugins, and the API."""

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

from m5kit.cli.options import Verbs
from m5kit.cli.output import write

_GROUPS = {
    "Types that parts exchange": (
        *("Sample",),
        *("Inputs", "Observation", "Facts", "Tokens", "Harmony", "Fused", "View", "Hidden", "TaskOutput", "Mean"),
        *("Partial",),
        *("Swap", "Draws", "length_mask"),
    ),
    "Types of metrics and exporters": (
        *("Request", "Corruption", "Embedded", "MetricValue", "Result"),
        *("Gallery", "GalleryQuery", "GalleryHit"),
    ),
    "The argument of hooks": ("Training",),
    "Errors to raise": (
        *("M5KitError", "ConfigError", "ContractError", "DataError", "DecodeError", "MissingDependencyError"),
    ),
}
"""Names of m5kit.api by heading; the contracts and registries of the families are added."""


def add_parser(verbs: Verbs) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "reference", help="write reference pages", description="Write a page for each family and one for m5kit.api."
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder for the pages")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the pages; a plugin that cannot be imported is reported on its family's page."""
    from m5kit.registry import FAMILIES

    options.folder.mkdir(parents=True, exist_ok=True)
    pages = {family: family_page(family) for family in FAMILIES} | {"api": api_page()}
    for name, lines in pages.items():
        text = "\n".join(lines).rstrip() + "\n"
        (options.folder / f"{name}.md").write_text(text, encoding="utf-8")
    write(f"wrote {len(pages)} pages to {options.folder}")
    return 0


def family_page(family: str) -> Iterator[str]:
    """Every part of a family: origin, arguments, documentation."""
    from m5kit.cli._catalogue import entries
    from m5kit.errors import M5KitError
    from m5kit.registry import FAMILIES

    yield f"# {family.capitalize()}\n"
    yield "Made by `m5kit reference`; the docstrings are the source.\n"
    for _, name, _, origin in entries(family):
        built_in = origin == "built-in"
        # in full, because a plugin may use the name of a built-in
        key = name if built_in else f"{origin.partition(' ')[0]}:{name}"
        yield f"## {name}\n\n*{origin}*\n"
        try:
            part = FAMILIES[family].get(key)
        except M5KitError as error:
            yield f"It cannot be used: {error}\n"
            continue
        yield from _arguments(part)
        yield f"```text\n{inspect.getdoc(part) or 'It has no documentation.'}\n```\n"
        yield from _shared_arguments(part)


def api_groups() -> dict[str, tuple[str, ...]]:
    """Every name of ``m5kit.api`` under a heading."""
    from m5kit.registry import FAMILIES

    return {
        "Contracts to derive from": tuple(registry.base for registry in FAMILIES.values()),
        **_GROUPS,
        "Registries for local files and notebooks": tuple(family.upper() for family in FAMILIES),
    }


def api_page() -> Iterator[str]:
    """Every name of ``m5kit.api`` with its signature and documentation."""
    from m5kit import api

    yield "# m5kit.api, name by name\n"
    yield "The only module that a plugin imports; what may change and how: [policy](policy.md).\n"
    yield "Made by `m5kit reference`.\n"
    for group, names in api_groups().items():
        yield f"## {group}\n"
        for name in names:
            thing = getattr(api, name)
            yield f"### `{name}`\n"
            if isinstance(thing, type):
                yield f"```text\n{inspect.getdoc(thing)}\n```\n"
                yield from _methods(thing)
            elif inspect.isfunction(thing):
                yield f"`{name}{inspect.signature(thing)}`\n\n```text\n{inspect.getdoc(thing)}\n```\n"
            elif get_origin(thing) is not None:
                yield f"Short for `{re.sub(r'[a-z0-9_.]+[.]', '', str(thing))}`.\n"
            else:
                yield f"`{type(thing).__name__}` {getattr(thing, 'family', '')}\n"


def _arguments(part: type) -> Iterator[str]:
    """A table of the arguments that a config can set."""
    from m5kit.arguments import flat_parameters
    from m5kit.ranges import written

    rows = flat_parameters(part).values()
    if not rows:
        return
    yield "| argument | type | default |\n|---|---|---|"
    for parameter in rows:
        default = "" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
        annotation = written(parameter.annotation).replace("|", "\\|")
        yield f"| `{parameter.name}` | {annotation} | {default} |"
    yield ""


def _shared_arguments(part: type) -> Iterator[str]:
    """The documentation of groups of arguments that several parts share."""
    from m5kit.arguments import argument_groups

    for name, group in argument_groups(part).items():
        yield f"`{name}`, each written by its own name:\n\n```text\n{inspect.getdoc(group)}\n```\n"


def _methods(thing: type) -> Iterator[str]:
    """One line for each public method that the class itself defines."""
    for name, value in vars(thing).items():
        # vars() gives the descriptor, not the function in it
        function = value.__func__ if isinstance(value, classmethod) else value
        if inspect.isfunction(function) and (not name.startswith("_") or name == "__call__"):
            summary = (inspect.getdoc(function) or "").partition("\n")[0]
            yield f"- `{name}{_plain(function)}`: {summary}"
    yield ""


def _plain(function: object) -> str:
    """The parameters without their types, which would make the line too long."""
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return f"({', '.join(str(each.replace(annotation=each.empty)) for each in parameters)})"
