"""Composes a config: its bases from left to right, the file itself, the overrides; then removes dropped parts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from m5kit.config import overrides as command_line
from m5kit.config import plugin_scope
from m5kit.config.adoption import adopt_model, run_to_adopt
from m5kit.config.prune import drop_problems, prune
from m5kit.config.reader import display, read_file, write, write_inline
from m5kit.config.roots import PIECES, SUFFIXES, Pieces, config_name, find_config, is_file, own_root
from m5kit.config.run_folder import without_permissions
from m5kit.config.sections import defaults, is_known, rank
from m5kit.config.tree import Node, from_plain, merge, origins, to_plain
from m5kit.errors import ConfigError
from m5kit.plugins import PluginScope, current_scope
from m5kit.signatures import suggestion


@dataclass(frozen=True, slots=True)
class Resolved:
    """A composed config, not yet checked.

    Attributes:
        values: plain data; top-level keys in the order of the flow of data.
        origins: ``file:line``, ``--set``, ``--data`` or ``default`` by dotted key, mappings included.
        name: ``demo/scale`` for ``configs/demo/scale.yaml``.
        source: the file, as messages show it.
        notes: a sentence for each part that was dropped together with another.
        plugins: the scope that its parts are looked up in.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    name: str
    source: str
    notes: tuple[str, ...] = ()
    plugins: PluginScope = field(default_factory=current_scope)


def load_config(path: str | Path, overrides: Sequence[str] = (), data: Path | str | None = None) -> Resolved:
    """Compose the config at ``path``, or the shipped one of that name (``demo/scale``).

    Args:
        path: a YAML file, or the name of a leaf that m5kit or a plugin ships.
        overrides: ``KEY=NAME`` picks another piece, ``KEY=none`` drops a part, ``KEY.SUB=VALUE`` sets a value.
        data: folder that becomes ``data.root``.

    Raises:
        ConfigError: a file or a piece cannot be found or read, bases form a circle, or overrides are wrong (all of
            those at once).
    """
    environment = current_scope()
    file = find_config(path, environment)
    # Twice: the file decides whose pieces it may pick, and the composed config whose parts it may use.
    content = read_file(file)
    scope = plugin_scope.narrow_scope(environment, content)
    pieces = Pieces(own_root(file), scope)
    composed = _compose(file, content, pieces, ())
    tree, problems = command_line.apply(composed, overrides, pieces, _piece)
    run = run_to_adopt(tree)  # which the command line may name, so that it is applied again
    if run is not None:
        tree, problems = command_line.apply(adopt_model(composed, run), overrides, pieces, _piece)
    if data is not None:
        tree = merge(tree, Node({"data": Node({"root": Node(str(data), "--data")}, "--data")}, tree.origin))
    problems += drop_problems(tree)
    if problems:
        raise ConfigError(problems)
    tree, scope = plugin_scope.resolve_scope(tree, environment)
    tree, notes = prune(tree)
    # Defaults come last and lie underneath, so that an origin says `default` only where nothing was written.
    tree = merge(from_plain({"name": config_name(file), **defaults()}, "default"), tree)
    tree = Node(dict(sorted(tree.value.items(), key=lambda item: (rank(item[0]), item[0]))), tree.origin)
    values = to_plain(tree)
    return Resolved(values, dict(origins(tree)), str(values["name"]), display(file), tuple(notes), scope)


def dump(resolved: Resolved) -> str:
    """The whole config as YAML that needs no other file and loads to the same values."""
    return write(dict(resolved.values))


def annotate(resolved: Resolved) -> str:
    """The whole config as YAML with the origin of each value beside it."""
    notes = [f"# {note}" for note in resolved.notes]
    return "\n".join([*notes, *_annotated(resolved.values, resolved.origins, "")]) + "\n"


def _annotated(values: Mapping[str, Any], origins: Mapping[str, str], path: str) -> Iterator[str]:
    """The lines of a mapping at a dotted path, the origin behind each value."""
    indent = "  " * path.count(".")
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{write_inline(key)}:"
            yield from _annotated(value, origins, f"{path}{key}.")
        else:
            yield f"{indent}{write_inline(key)}: {write_inline(value)}  # {origins[path + key]}"


def _compose(file: Path, content: Node, pieces: Pieces, chain: tuple[Path, ...]) -> Node:
    """The content of the file merged into that of its bases; ``chain`` lists the files whose bases led here."""
    if file.resolve() in chain:
        circle = " -> ".join(display(step) for step in (*chain, file.resolve()))
        raise ConfigError([f"{display(file)}: the bases form a circle: {circle}; remove one of them"])
    node = plugin_scope.check_source(content, file, pieces.scope, chain)
    keys = dict(without_permissions(node, file).value)
    bases = keys.pop(PIECES, Node([], ""))
    tree = Node({}, node.origin)
    for entry in _entries(bases):
        if entry.endswith(SUFFIXES):
            tree = command_line.merge_later(
                tree, _base(entry, file, pieces.scope, (*chain, file.resolve()), bases.origin)
            )
        elif _is_leaf(entry, pieces):
            leaf = find_config(entry, pieces.scope)
            whole = _compose(leaf, read_file(leaf), Pieces(own_root(leaf), pieces.scope), (*chain, file.resolve()))
            tree = command_line.merge_later(tree, whole)
        else:  # a piece replaces the whole key, as --set does
            tree = Node({**tree.value, **_named_piece(entry, pieces, f"{bases.origin}: {PIECES}")}, tree.origin)
    return command_line.merge_later(tree, Node(keys, node.origin))


def _is_leaf(entry: str, pieces: Pieces) -> bool:
    """Whether a base is a whole config by its name, as ``demo/scale``, and not a piece, as ``fusion/gated``."""
    key = entry.partition("/")[0]
    if is_known(key) or key in set(pieces.keys()):
        return False
    try:
        find_config(entry, pieces.scope)
    except ConfigError:
        return False  # reported as a piece that is missing
    return True


def _entries(bases: Node) -> list[str]:
    """What ``_base_`` lists; a single entry need not be a list."""
    entries: list[str] = bases.value if isinstance(bases.value, list) else [bases.value]
    for entry in entries:
        if not isinstance(entry, str):
            raise ConfigError([f"{bases.origin}: {PIECES}: expected paths or key/name, got {entry!r}"])
    return entries


def _base(entry: str, file: Path, scope: PluginScope, chain: tuple[Path, ...], origin: str) -> Node:
    """The composed content of a base that is given by its path."""
    path = file.parent / entry
    if not is_file(path):
        raise ConfigError([f"{origin}: {PIECES}: there is no file {entry!r} beside {display(file)}"])
    return _compose(path, read_file(path), Pieces(own_root(path), scope), chain)


def _named_piece(entry: str, pieces: Pieces, wanted_by: str) -> dict[str, Node]:
    """The key and value of a base that is given as ``key/name``."""
    key, slash, name = entry.partition("/")
    if not slash or "/" in name:
        raise ConfigError([f"{wanted_by}: expected a path ending in .yaml or key/name, got {entry!r}"])
    return {key: _piece(key, name, pieces, wanted_by)}


def _piece(key: str, name: str, pieces: Pieces, wanted_by: str) -> Node:
    """The value of the piece's one key."""
    where = f"{wanted_by}: {key}"
    if key == plugin_scope.KEY:
        raise ConfigError([f"{where}: no piece may name plugins; write {key}.local=[FILE] or a config of yours"])
    path = pieces.find(key, name)
    if path is None:
        names = pieces.names(key)
        known = f"there are: {', '.join(names) or 'none'}"
        hint = " ".join(filter(None, [suggestion(name, names), known]))
        raise ConfigError([f"{where}: no piece is named {name!r}; {hint}"])
    return merge(None, read_piece(path, key))


def read_piece(path: Path, key: str) -> Node:
    """The value of the one key that the piece at ``path`` defines.

    Raises:
        ConfigError: it defines something else.
    """
    content = read_file(path)
    if list(content.value) != [key]:
        found = ", ".join(content.value) or "nothing"
        raise ConfigError([f"{content.origin}: a piece defines one key, that of its folder: {key!r}; found {found}"])
    value: Node = content.value[key]
    return value
