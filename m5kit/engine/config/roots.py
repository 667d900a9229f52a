"""Where configs and their pieces lie: the tree of the file at hand, m5kit's own, then those that plugins ship."""

from collections.abc import Iterator
from difflib import get_close_matches
from importlib import resources, util
from pathlib import Path

from m5kit import plugins
from m5kit.errors import ConfigError, UnknownComponentError

PIECES = "_base_"
SWEEPS = "ablations"
SUFFIXES = (".yaml", ".yml")


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
        spec = util.find_spec(top)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield part.label, Path(folder, *below)


def find_config(name: str | Path) -> Path:
    """The file that ``name`` means: a path, or a leaf of m5kit or of a plugin such as ``demo/scale``.

    Raises:
        UnknownComponentError: there is no such config.
    """
    path = Path(name)
    if path.is_file():
        return path
    roots = [packaged_root(), *(folder for _, folder in plugin_roots())]
    for root in roots:
        for candidate in (root / path, *((root / path).with_name(path.name + suffix) for suffix in SUFFIXES)):
            if not path.is_absolute() and candidate.is_file():
                return candidate
    leaves = sorted({leaf for root in roots for leaf in _leaves(root)})
    near = get_close_matches(str(path.with_suffix("")).removeprefix("configs/"), leaves, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped ones: {', '.join(leaves)}"
    raise UnknownComponentError(f"there is no config {str(name)!r}; {hint}")


def find_piece(key: str, name: str, own: Path | None) -> Path | None:
    """The file of the piece ``key/name``; the own tree comes first, then m5kit, then plugins.

    Raises:
        ConfigError: two plugins ship the piece.
    """
    for root in filter(None, (own, packaged_root())):
        if (path := root / PIECES / key / f"{name}.yaml").is_file():
            return path
    shipped = {
        label: path for label, root in plugin_roots() if (path := root / PIECES / key / f"{name}.yaml").is_file()
    }
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


def _piece_folders(own: Path | None) -> list[Path]:
    roots = [*filter(None, (own, packaged_root())), *(folder for _, folder in plugin_roots())]
    return [root / PIECES for root in roots]


def _leaves(root: Path) -> Iterator[str]:
    for path in root.rglob("*.yaml"):
        relative = path.relative_to(root)
        if not {PIECES, SWEEPS} & set(relative.parts[:-1]):
            yield str(relative.with_suffix(""))
