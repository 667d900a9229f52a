"""Local plugins: single files that a config names, importable as ``m5kit.plugins.local.<stem>`` in every process.

The module acts as a package whose modules are the files in ``M5KIT_LOCAL_PLUGINS``. A data worker that unpickles a part
of one imports it by that name, so it finds the file without having seen the config.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from m5kit.errors import PluginError
from m5kit.plugins.parts import API_VERSION, PluginPart
from m5kit.plugins.policy import local_files

__path__: list[str] = []  # makes Python ask for submodules of this module

PREFIX = f"{__name__}."


def local_parts() -> tuple[PluginPart, ...]:
    """Every part that the local files register, read from their sources.

    Raises:
        PluginError: a file is missing, is no Python, registers nothing, or two have one name.
    """
    return _parts(local_files())


@lru_cache(maxsize=8)
def _parts(files: tuple[str, ...]) -> tuple[PluginPart, ...]:
    stems = [Path(path).stem for path in files]
    for stem, path in zip(stems, files, strict=True):
        if stems.count(stem) > 1:
            raise PluginError(f"two local plugins are called {stem}.py, one of them {path}; rename one")
        if not stem.isidentifier():
            raise PluginError(f"the local plugin {path} cannot be imported by that name; use letters, digits and _")
    return tuple(part for path in files for part in _parts_of(Path(path)))


def hash_of(path: Path) -> str:
    """What stands for the version of a local file: the beginning of its SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _parts_of(path: Path) -> list[PluginPart]:
    try:
        version = hash_of(path)
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise PluginError(f"cannot read the local plugin {path}: {error}") from error
    parts = [
        PluginPart(family, name, str(path), version, API_VERSION, f"{PREFIX}{path.stem}:{cls}", local=True)
        for cls, family, name in _registrations(tree)
    ]
    if not parts:
        raise PluginError(
            f'the local plugin {path} registers nothing; write @ENCODERS.register_module("name") above a class'
        )
    return parts


def _registrations(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Class, family and name of every class under ``@FAMILY.register_module("name")``."""
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=family), attr="register_module"),
                    args=[ast.Constant(value=str(name))],
                ):
                    yield node.name, family.lower(), name


class _Finder(MetaPathFinder):
    """Finds ``m5kit.plugins.local.<stem>`` among the local files."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        stem = fullname.removeprefix(PREFIX)
        file = next((f for f in local_files() if fullname == PREFIX + stem and Path(f).stem == stem), None)
        return spec_from_file_location(fullname, file) if file else None


if not any(
    type(finder).__name__ == _Finder.__name__ and type(finder).__module__ == __name__ for finder in sys.meta_path
):
    sys.meta_path.append(_Finder())
