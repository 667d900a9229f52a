"""Finds configs and their pieces: in the tree of the config itself, in m5kit's, then in those of plugins."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path

from m5kit import plugins
from m5kit.errors import ConfigError, UnknownComponentError
from m5kit.plugins import PluginPart, PluginScope
from m5kit.signatures import suggestion

PIECES = "_base_"
SWEEPS = "ablations"
SUFFIXES = (".yaml", ".yml")
_WORD = re.compile(r"\w[\w.-]*")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces that a config file may pick from.

    Attributes:
        own: the tree of configs that the file belongs to, see :func:`own_root`; it is searched first.
        scope: the plugins whose pieces are searched last.
    """

    own: Path | None
    scope: PluginScope

    def find(self, key: str, name: str) -> Path | None:
        """The file of the piece ``key/name``; None if there is none. Both are plain words.

        Raises:
            ConfigError: two plugins ship the piece.
        """
        if not (_WORD.fullmatch(key) and _WORD.fullmatch(name)):
            return None
        place = Path(PIECES, key, f"{name}.yaml")
        for root in self._first_roots():
            if is_file(root / place):
                return root / place
        shipped = {}
        for label, root in plugin_roots(self.scope):
            if is_file(root / place):
                shipped[label] = root / place
        # no order among plugins would be fair, so the user decides
        if len(shipped) > 1:
            raise ConfigError([f"the piece {key}/{name} is shipped by {' and '.join(shipped)}; name its file by path"])
        return next(iter(shipped.values()), None)

    def names(self, key: str) -> list[str]:
        """Every piece of ``key``, sorted."""
        found: set[str] = set()
        for folder in self._folders():
            # the key is a user's word, which may be longer than any file's name
            found.update(path.stem for path in folder.glob("*/*.yaml") if path.parent.name == key)
        return sorted(found)

    def keys(self) -> list[str]:
        """Every key that has pieces, sorted."""
        found: set[str] = set()
        for folder in self._folders():
            found.update(path.name for path in folder.glob("*") if path.is_dir())
        return sorted(found)

    def _first_roots(self) -> list[Path]:
        """The trees that are searched before those of plugins."""
        return [packaged_root()] if self.own is None else [self.own, packaged_root()]

    def _folders(self) -> list[Path]:
        """The folders of pieces of all trees."""
        roots = self._first_roots() + [folder for _, folder in plugin_roots(self.scope)]
        return [root / PIECES for root in roots]


def own_root(path: Path) -> Path | None:
    """The nearest folder above ``path`` that holds pieces."""
    return next((folder for folder in path.resolve().parents if (folder / PIECES).is_dir()), None)


def packaged_root() -> Path:
    """The folder of m5kit's configs: inside the installed package, or beside it in a checkout."""
    package = Path(str(resources.files("m5kit")))
    inside = package / "_configs"
    return inside if inside.is_dir() else package.parent / "configs"


def plugin_roots(scope: PluginScope) -> Iterator[tuple[str, Path]]:
    """Label and folder of each package that a distribution publishes under ``m5kit.v1.configs``; imports nothing."""
    for part in plugins.discover(scope).get("configs", ()):
        if part.api == plugins.API_VERSION:
            for folder in part_folders(part):
                yield part.label, folder


def part_folders(part: PluginPart) -> Iterator[Path]:
    """The folders of the package that an entry point names; several if it is a namespace package."""
    if part.module is not None:
        top, *below = part.module.split(".")
        for folder in _folders(top):
            yield Path(folder, *below)


def find_config(name: str | Path, scope: PluginScope | None = None) -> Path:
    """The file that ``name`` means: a path, or a leaf of m5kit or of a plugin such as ``demo/scale``.

    Args:
        name: as a user writes it.
        scope: the plugins whose leaves count; None for the scope at hand.

    Raises:
        UnknownComponentError: there is no such config.
    """
    path = Path(name)
    if is_file(path):
        return path
    # a path that exists comes first, so a local file is never hidden by a shipped config
    roots = [packaged_root(), *(folder for _, folder in plugin_roots(scope or plugins.current_scope()))]
    found = _shipped_config(path, roots)
    if found is not None:
        return found
    leaves: set[str] = set()
    for root in roots:
        leaves.update(_leaves(root))
    # people write the path that they see in the repository
    wanted = re.sub(r"^configs/|\.ya?ml$", "", str(path))
    hint = suggestion(wanted, sorted(leaves)) or f"shipped ones: {', '.join(sorted(leaves))}"
    raise UnknownComponentError(f"there is no config {str(name)!r}; {hint}")


def find_sweep(name: str | Path) -> Path:
    """The file that ``name`` means: a path, or a sweep that m5kit ships, such as ``fusion`` or ``ablations/fusion``.

    Raises:
        UnknownComponentError: there is no such sweep.
    """
    path, shipped = Path(name), packaged_root() / SWEEPS
    found = path if is_file(path) else _shipped_config(path, [packaged_root(), shipped])
    if found is not None:
        return found
    names = sorted(file.stem for file in shipped.glob("*.yaml"))
    beside = [str(file) for suffix in SUFFIXES for file in path.parent.glob(f"*{suffix}")]
    near = suggestion(str(path), beside) or suggestion(path.stem, names)
    hint = " ".join(filter(None, [near, f"shipped ones: {', '.join(names)}"]))
    raise UnknownComponentError(f"there is no sweep {str(name)!r}; {hint}")


def config_name(path: Path) -> str:
    """``demo/scale`` for ``configs/demo/scale.yaml``; the file's own name if it is in no tree of configs."""
    root = own_root(path)
    return str(path.resolve().relative_to(root).with_suffix("")) if root else path.stem


def is_file(path: Path) -> bool:
    """Whether ``path`` is a file; False, not an error, for text that cannot be a file name."""
    try:
        return path.is_file()
    except OSError:
        return False


def _shipped_config(path: Path, roots: Sequence[Path]) -> Path | None:
    """The file that a short name means in the first of the trees that has it."""
    if not path.name or path.is_absolute() or ".." in path.parts:  # nothing outside the roots
        return None
    for root in roots:
        for suffix in ("", *SUFFIXES):
            candidate = root / path.with_name(path.name + suffix)
            if is_file(candidate):
                return candidate
    return None


def _folders(package: str) -> Sequence[str]:
    """The folders of an installed package; empty if it is not installed or does not say where it is."""
    try:
        spec = util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    return (spec.submodule_search_locations or ()) if spec else ()


def _leaves(root: Path) -> Iterator[str]:
    """The names of the configs of a tree that can be run."""
    for path in root.rglob("*.yaml"):
        relative = path.relative_to(root)
        if not {PIECES, SWEEPS} & set(relative.parts[:-1]):
            yield str(relative.with_suffix(""))
