"""What a local plugin stands on besides its own file: Python files beside it, and other packages."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ENDING = ".py"
LOADERS = ("import_module", "__import__")
"""Functions that import a module by its name."""


def helpers_of(path: Path) -> list[Path]:
    """The Python files beside a local plugin that it imports or loads, and those that these do; nothing is imported.

    Args:
        path: of the plugin.
    """
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        for name in names_in(waiting.pop()):
            new = [file for file in _files(path.parent, name) if file != path and file not in found]
            found |= dict.fromkeys(new)
            waiting += new
    return sorted(found)


def packages_of(path: Path) -> list[str]:
    """The packages that a local plugin and its helpers import, without Python's own and those helpers."""
    names: set[str] = set()
    for file in (path, *helpers_of(path)):
        names.update(name for name in names_in(file) if not name.endswith(ENDING))
    own = {name for name in names if any(_files(path.parent, name))}
    return sorted(names - own - sys.stdlib_module_names - {"m5kit"})


def names_in(path: Path) -> set[str]:
    """Names of the modules that a Python file imports, up to the first dot, and of the ``.py`` files that it names."""
    return {name for node in ast.walk(tree_of(path)) for name in _names(node)}


def tree_of(path: Path) -> ast.Module:
    """The syntax of a Python file; an empty module where it is none, since importing it will say what is wrong."""
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name.partition(".")[0]
    elif isinstance(node, ast.ImportFrom):
        if node.module is not None:
            yield node.module.partition(".")[0]
        else:  # from . import helper
            for alias in node.names:
                yield alias.name
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(ENDING):
        yield Path(node.value).name
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        function, given = node.func, node.args[0].value
        if getattr(function, "attr", getattr(function, "id", "")) in LOADERS and isinstance(given, str):
            yield given.lstrip(".").partition(".")[0]


def _files(folder: Path, name: str) -> list[Path]:
    """The files of the module or package of this name in a folder; none where there is no such one."""
    plain = name.removesuffix(ENDING)
    file, package = folder / f"{plain}{ENDING}", folder / plain
    if plain and file.is_file():
        return [file]
    return sorted(package.rglob(f"*{ENDING}")) if plain.isidentifier() and (package / "__init__.py").is_file() else []
