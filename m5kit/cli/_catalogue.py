"""The registered parts as ``list`` and ``show`` print them; reads sources and metadata without importing a part."""

import ast
from collections.abc import Iterator
from importlib import util
from pathlib import Path

from m5kit import plugins
from m5kit.errors import UnknownComponentError
from m5kit.registrations import registrations, summary_of
from m5kit.registry import FAMILIES
from m5kit.signatures import suggestion

Entry = tuple[str, str, str, str]
"""Family, name, summary, origin."""


def families(wanted: str | None) -> list[str]:
    """All families, or the ``wanted`` one; ``fusion`` means ``fusions``.

    Raises:
        UnknownComponentError: there is no such family.
    """
    if wanted is None:
        return list(FAMILIES)
    for name, family in FAMILIES.items():
        if wanted in (name, family.singular):
            return [name]
    known = f"there are: {', '.join(FAMILIES)}"
    hint = " ".join(filter(None, [suggestion(wanted, FAMILIES), known]))
    raise UnknownComponentError(f"no family is named {wanted!r}; {hint}")


def entries(family: str) -> Iterator[Entry]:
    """Every part of a family: built-ins, then those of plugins, including plugins for another API version."""
    for name, module in sorted(FAMILIES[family].built_ins.items()):
        yield family, name, _summary(_source_file(module), name), "built-in"
    for part in plugins.discover().get(family, ()):
        path = Path(part.distribution) if part.local else _source_file(part.module)
        summary = _summary(path, part.target.rpartition(":")[2])
        usable = "" if part.api == plugins.API_VERSION else f" (made for m5kit API v{part.api}: cannot be used)"
        yield family, part.name, summary, f"{part.label}{usable}"


def _summary(path: Path | None, name: str) -> str:
    """First line of the docstring of the class called, or registered as, ``name``; empty without one, or why not."""
    if path is None:
        return ""
    try:
        source = path.read_bytes()
        for each in registrations(source):
            if name in (each.name, each.cls):
                return each.summary
        # an entry point names a class, which need not be registered
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return summary_of(node)
    except (OSError, SyntaxError, ValueError) as error:  # listed all the same: its name tells which plugin to repair
        return f"(its source cannot be read: {error})"
    return ""


def _source_file(module: str | None) -> Path | None:
    """The file of a module's source, found without importing its parents, as importlib would do."""
    if module is None:
        return None
    top, *below = module.split(".")
    spec = util.find_spec(top)
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(spec.origin) if spec.origin and not below else None
    base = Path(spec.submodule_search_locations[0], *below)
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
