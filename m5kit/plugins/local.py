"""Local plugins: single files that a config names, each imported as a submodule of ``m5kit.plugins.local``.

The module's name ends in a tag made of the file's path and content. Two files of the same name, or one file before and
after an edit, are therefore two modules, and no config gets the classes of another.

A data worker that unpickles a part imports its module by that name. The finder below looks for the file among those
that the worker's environment names, and nowhere else.
"""

import hashlib
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from m5kit.errors import PluginError
from m5kit.plugins.parts import API_VERSION, PluginPart
from m5kit.plugins.scope import LocalFile, current_scope, hash_of
from m5kit.registrations import registrations

__path__: list[str] = []  # makes Python ask for submodules of this module

PREFIX = f"{__name__}."
_CHANGED = "{} was changed since the config was loaded; start again, or undo the change"


def local_parts(files: Sequence[LocalFile]) -> tuple[PluginPart, ...]:
    """Every part that the files register, read from their sources.

    Raises:
        PluginError: a file is missing, is not Python, registers nothing, has a name that cannot be imported, or has the
            name of another one.
    """
    parts: list[PluginPart] = []
    stems: set[str] = set()
    for file in files:
        stem = Path(file.path).stem
        if stem in stems:
            raise PluginError(f"two local plugins are called {stem}.py, one of them {file.path}; rename one")
        stems.add(stem)
        parts += _parts_of(file)
    return tuple(parts)


def module_name(file: LocalFile) -> str:
    """The module that the file is imported as."""
    tag = hashlib.sha256(f"{file.path}\0{file.digest}".encode()).hexdigest()[:8]
    return f"{PREFIX}{Path(file.path).stem}_{tag}"


@lru_cache(maxsize=32)
def _parts_of(file: LocalFile) -> tuple[PluginPart, ...]:
    """The parts of one file; remembered, because a file with the same digest has the same parts."""
    path = Path(file.path)
    if not path.stem.isidentifier():
        raise PluginError(f"the local plugin {path} cannot be imported by that name; use letters, digits and _")
    if path.exists() and not path.is_file():
        raise PluginError(f"the local plugin {path} is no regular file")  # a pipe would be waited for without an end
    try:
        found = registrations(path.read_bytes())
    except SyntaxError as error:
        raise PluginError(f"the local plugin {path} is not Python: line {error.lineno}: {error.msg}") from error
    except OSError as error:
        raise PluginError(f"cannot read the local plugin {path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        raise PluginError(f"cannot read the local plugin {path}: {error}") from error
    if not found:
        raise PluginError(
            f'the local plugin {path} registers nothing; write @FUSIONS.register_module("name"), or that of another '
            "family, above a class"
        )
    parts = []
    for each in found:
        target = f"{module_name(file)}:{each.cls}"
        parts.append(PluginPart(each.family, each.name, file.path, file.digest, API_VERSION, target, local=True))
    return tuple(parts)


class _LocalFileLoader(SourceFileLoader):
    """Runs exactly the content that the config was checked with, and writes no ``__pycache__`` beside it."""

    def __init__(self, name: str, file: LocalFile) -> None:
        super().__init__(name, file.path)
        self.file = file

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file, if it is still the one that the config named."""
        if hash_of(Path(self.file.path)) != self.file.digest:
            raise ImportError(_CHANGED.format(self.file.path))
        return self.source_to_code(self.get_data(self.file.path), self.file.path)


class _Finder(MetaPathFinder):
    """Finds the modules of the local files that are in use."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The file in use that has this module name; a changed file is an error, not a missing module."""
        if not fullname.startswith(PREFIX):
            return None
        # the tag differs for another content, so a near miss means that the file was edited
        for file in current_scope().files:
            if module_name(file) == fullname:
                return spec_from_file_location(fullname, file.path, loader=_LocalFileLoader(fullname, file))
            if fullname.rpartition("_")[0] == f"{PREFIX}{Path(file.path).stem}":
                raise ImportError(_CHANGED.format(file.path))
        return None


def _install_finder() -> None:
    """Install the finder once, even if this module is imported again."""
    known = {(type(finder).__module__, type(finder).__name__) for finder in sys.meta_path}
    if (__name__, _Finder.__name__) not in known:
        sys.meta_path.append(_Finder())


_install_finder()
