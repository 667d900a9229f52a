"""Where configs and their pieces lie: the tree of the file at hand, m5kit's own, then those that plugins ship."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib import resources, util
from pathlib import Path

from m5kit import plugins
from m5kit.errors import ConfigError, UnknownComponentError

PIECES = "_base_"
SWEEPS = "ablations"
SUFFIXES = (".yaml", ".yml")
_WORD = re.compile(r"\w[\w.-]*")


def own_root(path: Path) -> Path | None:
    """The nearest folder above ``path`` that holds pieces."""
    return next((folder for folder in path.resolve().parents if (folder / PIECES).is_dir()), None)


def packaged_root() -> Path:
    """The configs that come with m5kit: inside the wheel, or beside the package in a checkout."""
    package = Path(str(resources.files("m5kit")))
    inside = package / "_configs"
    return inside if inside.is_dir() else package.parent / "configs"


def plugin_roots() -> Iterator[tuple[str, Path]]:
    """Label and folder of each package that a distribution publishes under ``m5kit.v1.configs``; imports nothing."""
    for part in plugins.discover().get("configs", ()):
        if part.api != plugins.API_VERSION or part.module is None:
            continue
        top, *below = part.module.split(".")
        yield from ((part.label, Path(folder, *below)) for folder in _folders(top))


def find_config(name: str | Path) -> Path:
    """The file that ``name`` means: a path, or a leaf of m5kit or of a plugin such as ``demo/scale``.

    Raises:
        UnknownComponentError: there is no such config.
    """
    path = Path(name)
    if is_file(path):
        return path
    roots = [packaged_root(), *(folder for _, folder in plugin_roots())]
    if path.name and not path.is_absolute() and ".." not in path.parts:
        candidates = (root / path.with_name(path.name + suffix) for root in roots for suffix in ("", *SUFFIXES))
        if (found := next(filter(is_file, candidates), None)) is not None:
            return found
    leaves = sorted({leaf for root in roots for leaf in _leaves(root)})
    near = get_close_matches(re.sub(r"^configs/|\.ya?ml$", "", str(path)), leaves, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped ones: {', '.join(leaves)}"
    raise UnknownComponentError(f"there is no config {str(name)!r}; {hint}")


def find_piece(key: str, name: str, own: Path | None) -> Path | None:
    """The file of the piece ``key/name``; the own tree comes first, then m5kit, then plugins. Both are plain words.

    Raises:
        ConfigError: two plugins ship the piece.
    """
    if not (_WORD.fullmatch(key) and _WORD.fullmatch(name)):
        return None
    for root in filter(None, (own, packaged_root())):
        if is_file(path := root / PIECES / key / f"{name}.yaml"):
            return path
    shipped = {label: path for label, root in plugin_roots() if is_file(path := root / PIECES / key / f"{name}.yaml")}
    if len(shipped) > 1:
        raise ConfigError([f"the piece {key}/{name} is shipped by {' and '.join(shipped)}; name its file by path"])
    return next(iter(shipped.values()), None)


def piece_names(key: str, own: Path | None) -> list[str]:
    """Every piece of ``key``, sorted."""
    return sorted({path.stem for folder in _piece_folders(own) for path in (folder / key).glob("*.yaml")})


def piece_keys(own: Path | None) -> list[str]:
    """Every key that has pieces, sorted."""
    return sorted({path.name for folder in _piece_folders(own) for path in folder.glob("*") if path.is_dir()})


def config_name(path: Path) -> str:
    """``demo/scale`` for ``configs/demo/scale.yaml``; the bare name of a file that lies in no tree of configs."""
    root = own_root(path)
    return str(path.resolve().relative_to(root).with_suffix("")) if root else path.stem


def is_file(path: Path) -> bool:
    """Whether ``path`` is one; a name that is too long, or no name for a file at all, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def _folders(package: str) -> Sequence[str]:
    """Where an installed package lies; nowhere if it is not there or hides where."""
    try:
        spec = util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    return (spec.submodule_search_locations or ()) if spec else ()


def _piece_folders(own: Path | None) -> list[Path]:
    roots = [*filter(None, (own, packaged_root())), *(folder for _, folder in plugin_roots())]
    return [root / PIECES for root in roots]


def _leaves(root: Path) -> Iterator[str]:
    for path in root.rglob("*.yaml"):
        relative = path.relative_to(root)
        if not {PIECES, SWEEPS} & set(relative.parts[:-1]):
            yield str(relative.with_suffix(""))
