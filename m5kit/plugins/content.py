"""What a plugin's code is, told by its content: an editable install changes under one version."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from m5kit.plugins.parts import PluginPart


def digest_of(part: PluginPart) -> str | None:
    """Sixteen digits of the SHA-256 of all Python files in the part's package; None if they cannot be found.

    Nothing is imported.
    """
    package = (part.module or "").partition(".")[0]
    return code_of(package) if package else None


@cache
def code_of(package: str) -> str | None:
    """Sixteen digits of the SHA-256 of all Python files of a package; None if they cannot be found."""
    found = hashlib.sha256()
    files = list(_files(package))
    for name, path in files:
        # the length between them, so that no content can be taken for a name
        content = path.read_bytes()
        found.update(f"{name}\0{len(content)}\0".encode() + content)
    return found.hexdigest()[:16] if files else None


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """The Python files of a package by their place in it, in an order that does not depend on the machine."""
    try:
        spec = find_spec(package)  # of a name without dots: nothing is imported to find it
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    folders = spec.submodule_search_locations
    if folders is None and spec.origin is not None and Path(spec.origin).is_file():
        yield Path(spec.origin).name, Path(spec.origin)
    for folder in sorted(folders or ()):
        for path in sorted(Path(folder).rglob("*.py")):
            yield path.relative_to(folder).as_posix(), path
