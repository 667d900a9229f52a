"""The registered parts as ``list`` and ``show`` present them; reads sources and metadata, imports no part."""

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import util
from pathlib import Path

from m5kit import plugins
from m5kit.errors import UnknownComponentError
from m5kit.registry import FAMILIES

Entry = tuple[str, str, str, str]
"""Family, name, summary, origin."""


def families(wanted: str | None) -> list[str]:
    """All families, or the one that is ``wanted`` (``fusion`` is understood as ``fusions``).

    Raises:
        UnknownComponentError: there is no such family.
    """
    if wanted is None:
        return list(FAMILIES)
    for name, family in FAMILIES.items():
        if wanted in (name, family.singular):
            return [name]
    near = get_close_matches(wanted, FAMILIES, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UnknownComponentError(f"no family is named {wanted!r}; {hint}there are: {', '.join(FAMILIES)}")


def entries(family: str) -> Iterator[Entry]:
    """Every part of a family: built-ins, then what plugins publish, those for another API version included."""
    for name, module in sorted(FAMILIES[family].built_ins.items()):
        yield family, name, _summary(module, name), "built-in"
    for part in plugins.discover().get(family, ()):
        attribute = part.target.rpartition(":")[2]
        usable = "" if part.api == plugins.API_VERSION else f" (made for m5kit API v{part.api}: cannot be used)"
        yield family, part.name, _summary(part.module, attribute), f"{part.label}{usable}"


def _summary(module: str | None, name: str) -> str:
    """First line of the docstring of the class called, or registered as, ``name``; empty if it cannot be read."""
    path = _source_file(module) if module else None
    if path is None:
        return ""
    try:
        body = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):  # a plugin's damage is told by "m5kit plugins list"
        return ""
    for node in body:
        if isinstance(node, ast.ClassDef) and name in (node.name, *_registered_names(node)):
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _source_file(module: str) -> Path | None:
    """Where the module's source lies, found without importing its parents."""
    top, *below = module.split(".")
    spec = util.find_spec(top)
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and not below else None
    base = Path(spec.submodule_search_locations[0], *below)
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _registered_names(node: ast.ClassDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        for argument in decorator.args if isinstance(decorator, ast.Call) else ():
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
