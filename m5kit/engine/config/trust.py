"""What a config says about plugins: which distributions it allows, and which local files it adds.

Local files are code, so only the user's own config and command line may name them: a config or a piece that a plugin
ships may not, and a run folder, which may come from somebody else, may not bring its own.
"""

from pathlib import Path
from typing import Any

from m5kit import plugins
from m5kit.engine.config.reader import display, read_file
from m5kit.engine.config.roots import plugin_roots
from m5kit.engine.config.tree import Node
from m5kit.errors import ConfigError

KEY = "plugins"


def begin(file: Path) -> None:
    """Before anything is looked up for the config ``file``: forget the one before, use no plugin it does not allow."""
    plugins.use()
    said = read_file(file).child(KEY)
    if said is not None and said.is_mapping:
        plugins.use(allow=_words(said, "allow"))


def own(node: Node, file: Path) -> Node:
    """The content of ``file`` with the files that it names under ``plugins`` in full; a bare list names files.

    Raises:
        ConfigError: the file has no right to name any.
    """
    said = node.child(KEY)
    if said is None or said.is_dropped:
        return node
    shipped_by = next((label for label, root in plugin_roots() if file.resolve().is_relative_to(root.resolve())), None)
    if shipped_by is not None:
        raise ConfigError([f"{said.origin}: {KEY}: {display(file)} comes with {shipped_by}; only your own config may"])
    return Node({**node.value, KEY: _absolute(said, file.parent)}, node.origin)


def settle(tree: Node) -> Node:
    """Use what the composed config says; what the command line named is relative to the working directory.

    Raises:
        ConfigError: a run folder names a file of its own.
    """
    said = tree.child(KEY)
    if said is None or said.is_dropped:
        return tree
    said = _absolute(said, Path.cwd())
    plugins.use(allow=_words(said, "allow"), local=_words(said, "local") or ())
    return Node({**tree.value, KEY: said}, tree.origin)


def refuse_own_code(tree: Node, file: Path) -> None:
    """A run's config may name files that lie elsewhere on this machine, never such in the run's own folder.

    Raises:
        ConfigError: it does.
    """
    said, folder = tree.child(KEY), file.resolve().parent
    if said is None or not said.is_mapping or not (folder / "provenance.json").exists():
        return
    for path in _words(said, "local") or ():
        if Path(path).resolve().is_relative_to(folder):
            raise ConfigError([f"{said.origin}: {KEY}: the run folder {folder} brings code, {path}; move it out first"])


def _absolute(said: Node, folder: Path) -> Node:
    node = said if said.is_mapping else Node({"local": Node(said.value, said.origin)}, said.origin)
    local = _words(node, "local")
    if local is None:
        return node
    paths = [str((folder / path).resolve()) for path in local]
    return Node({**node.value, "local": Node(paths, node.value["local"].origin)}, node.origin)


def _words(said: Node, key: str) -> list[str] | None:
    """The words listed under ``key``; None where there are none, or something else, which the schema tells."""
    child = said.child(key)
    value: Any = None if child is None else child.value
    return value if isinstance(value, list) and all(isinstance(word, str) for word in value) else None
