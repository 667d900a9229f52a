"""The section ``plugins`` of a config: the distributions that it allows and the local files that it adds.

Local files are code, so only the user's own config and command line may name them: a config or a piece that a plugin
ships may not. A run folder may come from somebody else: it may name those that its user trained with, and no others
unless the caller allows it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from m5kit.config.reader import display
from m5kit.config.roots import packaged_root, plugin_roots
from m5kit.config.run_folder import is_of_run
from m5kit.config.tree import Node
from m5kit.errors import ConfigError
from m5kit.plugins import PluginScope
from m5kit.plugins.known import is_known

KEY = "plugins"


def narrow_scope(scope: PluginScope, content: Node) -> PluginScope:
    """The scope in which a config of this ``content`` is composed, without the pieces of plugins it does not allow."""
    section = content.child(KEY)
    if section is None or not section.is_mapping:
        return scope
    return scope.narrowed(_word_list(section, "allow"))


def resolve_scope(tree: Node, scope: PluginScope) -> tuple[Node, PluginScope]:
    """The scope of a composed config, and the config with the full path of every local file.

    Files named on the command line are relative to the working directory; the others have full paths already.
    """
    section = tree.child(KEY)
    if section is None or section.is_dropped:
        return tree, scope
    section = _with_full_paths(section, Path.cwd())
    scope = scope.narrowed(_word_list(section, "allow")).with_files(_word_list(section, "local") or ())
    return Node({**tree.value, KEY: section}, tree.origin), scope


def check_source(node: Node, file: Path, scope: PluginScope, above: Sequence[Path] = ()) -> Node:
    """The content of ``file`` with full paths of the local files that it names; a bare list names files.

    Args:
        node: the content.
        file: the file that holds it.
        scope: what the caller allows.
        above: the files whose bases led here, the config itself first.

    Raises:
        ConfigError: the file may not name local files, or may not be a base of those above.
    """
    for other in above:
        _refuse_as_base(file, other, node.origin)
    section = node.child(KEY)
    if section is None or section.is_dropped:
        return node
    shipped_by = _shipper(file)
    if shipped_by is not None:
        raise ConfigError(
            [f"{section.origin}: {KEY}: {display(file)} comes with {shipped_by}; only your own config may"]
        )
    if is_of_run(file):
        _refuse_code_of_run(section, file.resolve().parent, scope)
    return Node({**node.value, KEY: _with_full_paths(section, file.parent)}, node.origin)


def _refuse_as_base(file: Path, above: Path, origin: str) -> None:
    """Refuse a base from elsewhere under a run's config or a plugin's, since a base could name local files."""
    if is_of_run(above):
        raise ConfigError([f"{origin}: {display(above)} is of a run, so it needs no base; take {display(file)} away"])
    shipped_by = _shipper(above)
    if shipped_by is not None and _shipper(file) is None and not file.resolve().is_relative_to(packaged_root()):
        problem = f"is a base of {display(above)}, which comes with {shipped_by} and may stand on shipped configs only"
        raise ConfigError([f"{origin}: {display(file)} {problem}"])


def _refuse_code_of_run(section: Node, folder: Path, scope: PluginScope) -> None:
    """Refuse local files inside the run folder, and those outside of it that nobody but the run folder vouches for."""
    for path in _word_list(_as_mapping(section), "local") or ():
        where = f"{section.origin}: {KEY}: the run folder {folder}"
        if Path(path).resolve().is_relative_to(folder):
            raise ConfigError([f"{where} brings code, {path}; move it out first"])
        # a link or a relative path could lead to code that came along with the folder, in a bundle around it
        if path != str(Path(path).resolve()):
            raise ConfigError([f"{where} leads to code by a relative path or a link, {path}; write it in full"])
        # a file that is not there runs nothing; whoever needs a part of it says that it is missing
        if Path(path).exists() and not is_known(path, scope):
            raise ConfigError(
                [
                    f"{where} names code that no training of yours used as it is now, {path}; nothing of it was run. "
                    "Read it; to run it, add --allow-local-plugins"
                ]
            )


def _shipper(file: Path) -> str | None:
    """The distribution that ``file`` comes with; those that are not allowed count too, or they would gain rights."""
    for label, root in plugin_roots(PluginScope()):
        if file.resolve().is_relative_to(root.resolve()):
            return label
    return None


def _with_full_paths(section: Node, folder: Path) -> Node:
    """The section with its local files relative to ``folder`` written in full."""
    node = _as_mapping(section)
    local = _word_list(node, "local")
    if local is None:
        return node
    # in full, because the resolved config is read again from a run folder
    paths = [str((folder / path).resolve()) for path in local]
    return Node({**node.value, "local": Node(paths, node.value["local"].origin)}, node.origin)


def _as_mapping(section: Node) -> Node:
    """The section as a mapping: a bare list is short for ``local``."""
    return section if section.is_mapping else Node({"local": Node(section.value, section.origin)}, section.origin)


def _word_list(section: Node, key: str) -> list[str] | None:
    """The words listed under ``key``; None if it holds anything else, which the schema reports."""
    child = section.child(key)
    value: Any = None if child is None else child.value
    return value if isinstance(value, list) and all(isinstance(word, str) for word in value) else None
