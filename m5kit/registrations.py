"""Reads which parts a source file registers, without importing it."""

import ast
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import util
from typing import Any

_DECORATOR = re.compile(r"""^@([A-Z_]+)\.register_module\(\s*["']([^"']+)["']\s*\)$""", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Registration:
    """One ``@FAMILY.register_module("name")`` above a class.

    Attributes:
        family: plural and in lower case, as ``encoders``.
        name: how a config names the part.
        cls: the class's name.
        summary: first line of its docstring; empty if it has none.
        constants: numbers, texts and the like that the class itself declares, by name.
    """

    family: str
    name: str
    cls: str
    summary: str
    constants: Mapping[str, Any] = field(default_factory=dict, repr=False)


def registrations(source: str | bytes) -> list[Registration]:
    r"""Every part that the source registers at its top level, in order.

    Raises:
        SyntaxError: the source is not Python.
        ValueError: the source holds a null byte.

    Example:
        >>> registrations('@FUSIONS.register_module("mine")\nclass Mine: ...')
        [Registration(family='fusions', name='mine', cls='Mine', summary='')]
    """
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found += [_registration(node, decorator) for decorator in node.decorator_list]
    return [each for each in found if each is not None]


def registered_names(source: str) -> Iterator[tuple[str, str]]:
    r"""Family and name of what a module of m5kit itself registers, as its formatter writes it.

    Parsing all modules of the families takes as long as importing a library; a test compares the two readings.

    Example:
        >>> list(registered_names('@FUSIONS.register_module("mine")\nclass Mine: ...'))
        [('fusions', 'mine')]
    """
    for family, name in _DECORATOR.findall(source):
        yield family.lower(), name


def _registration(node: ast.ClassDef, decorator: ast.expr) -> Registration | None:
    """The part that one decorator registers; None if it is another kind of decorator."""
    match decorator:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=family), attr="register_module"),
            args=[ast.Constant(value=str(name))],
        ):
            return Registration(family.lower(), name, node.name, summary_of(node), dict(_constants(node)))
    return None


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                yield name, value


def summary_of(node: ast.ClassDef) -> str:
    """First line of the docstring of a class."""
    return (ast.get_docstring(node) or "").partition("\n")[0]


def package_sources(package: str) -> Iterator[tuple[str, str]]:
    """Name and source of every module of a package, none of which is imported."""
    spec = util.find_spec(package)
    for found in pkgutil.walk_packages(spec.submodule_search_locations if spec else None, f"{package}."):
        module = found.module_finder.find_spec(found.name, None)  # type: ignore[call-arg]
        source = module.loader.get_source(found.name) if module and module.loader else None  # type: ignore[attr-defined]
        yield found.name, source or ""
