"""What a config says about plugins: which distributions it allows, and which local files it adds.

Local files are code, so only the user's own config and command line may name them: a config or a piece that a plugin
ships may not, and a run folder, which may come from somebody else, may not bring its own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from m5kit import plugins
from m5kit.config.reader import display, read_file
from m5kit.config.roots import packaged_root, plugin_roots
from m5kit.config.tree import Node
from m5kit.errors import ConfigError

KEY = "plugins"


def begin(file: Path) -> None:
    """Before anything is looked up for the config ``file``: forget the one before, use no plugin it does not allow."""
    plugins.use()
    said = read_file(file).child(KEY)
    if said is not None and said.is_mapping:
        plugins.use(allow=_words(said, "allow"))


def own(node: Node, file: Path, above: Sequence[Path] = ()) -> Node:
    """The content of ``file`` with the files that it names under ``plugins`` in full; a bare list names files.

    Args:
        node: the content.
        file: where it stands.
        above: the files whose bases led here, the config itself first.

    Raises:
        ConfigError: the file has no right to name any, or to be a base of those.
    """
    for other in above:
        _refuse_as_base(file, other, node.origin)
    said = node.child(KEY)
    if said is None or said.is_dropped:
        return node
    shipped_by = _shipper(file)
    if shipped_by is not None:
        raise ConfigError([f"{said.origin}: {KEY}: {display(file)} comes with {shipped_by}; only your own config may"])
    if _is_of_run(file):
        _refuse_own_code(said, file.resolve().parent)
    return Node({**node.value, KEY: _absolute(said, file.parent)}, node.origin)


def settle(tree: Node) -> Node:
    """Use what the composed config says; what the command line named is relative to the working directory."""
    said = tree.child(KEY)
    if said is None or said.is_dropped:
        return tree
    said = _absolute(said, Path.cwd())
    plugins.use(allow=_words(said, "allow"), local=_words(said, "local") or ())
    return Node({**tree.value, KEY: said}, tree.origin)


def _refuse_as_base(file: Path, above: Path, origin: str) -> None:
    """A run's config is whole, and one that a plugin ships stands on shipped ones: neither fetches rights elsewhere."""
    if _is_of_run(above):
        raise ConfigError([f"{origin}: {display(above)} is of a run, so it needs no base; take {display(file)} away"])
    shipped_by = _shipper(above)
    if shipped_by is not None and _shipper(file) is None and not file.resolve().is_relative_to(packaged_root()):
        problem = f"is a base of {display(above)}, which comes with {shipped_by} and may stand on shipped configs only"
        raise ConfigError([f"{origin}: {display(file)} {problem}"])


def _refuse_own_code(said: Node, folder: Path) -> None:
    """A run's config may name files that lie elsewhere on this machine, as m5kit wrote it: in full, no links."""
    for path in _words(_named(said), "local") or ():
        if Path(path).resolve().is_relative_to(folder):
            raise ConfigError([f"{said.origin}: {KEY}: the run folder {folder} brings code, {path}; move it out first"])
        if path != str(Path(path).resolve()):
            problem = f"the run folder {folder} leads to code by a relative path or a link, {path}; write it in full"
            raise ConfigError([f"{said.origin}: {KEY}: {problem}"])


def _is_of_run(file: Path) -> bool:
    return (file.resolve().parent / "provenance.json").exists()


def _shipper(file: Path) -> str | None:
    """The distribution that ``file`` comes with."""
    return next((label for label, root in plugin_roots() if file.resolve().is_relative_to(root.resolve())), None)


def _absolute(said: Node, folder: Path) -> Node:
    node = _named(said)
    local = _words(node, "local")
    if local is None:
        return node
    paths = [str((folder / path).resolve()) for path in local]
    return Node({**node.value, "local": Node(paths, node.value["local"].origin)}, node.origin)


def _named(said: Node) -> Node:
    return said if said.is_mapping else Node({"local": Node(said.value, said.origin)}, said.origin)


def _words(said: Node, key: str) -> list[str] | None:
    """The words listed under ``key``; None where there are none, or something else, which the schema tells."""
    child = said.child(key)
    value: Any = None if child is None else child.value
    return value if isinstance(value, list) and all(isinstance(word, str) for word in value) else None
