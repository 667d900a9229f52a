"""Composes a config: bases left to right, the file itself, overrides; then drops what is not wanted."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from m5kit.config import overrides as command_line
from m5kit.config import trust
from m5kit.config.reader import display, read_file, write, write_inline
from m5kit.config.roots import (
    PIECES,
    SUFFIXES,
    config_name,
    find_config,
    find_piece,
    is_file,
    own_root,
    piece_names,
)
from m5kit.config.sections import SCALARS, SECTIONS, TABLES, defaults, is_known, rank
from m5kit.config.tree import Node, from_plain, merge, origins, to_plain
from m5kit.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Resolved:
    """A composed config, not yet checked.

    Attributes:
        values: plain data; top-level keys in the order of the flow of data.
        origins: ``file:line``, ``--set``, ``--data`` or ``default`` by dotted key, mappings included.
        name: ``demo/scale`` for ``configs/demo/scale.yaml``.
        source: the file, as messages show it.
        notes: what was dropped along with something else, a sentence each.
    """

    values: Mapping[str, Any]
    origins: Mapping[str, str]
    name: str
    source: str
    notes: tuple[str, ...] = field(default=())


def load_config(path: str | Path, overrides: Sequence[str] = (), data: Path | None = None) -> Resolved:
    """Compose the config at ``path``, or the shipped one of that name (``demo/scale``).

    Args:
        path: a YAML file, or the name of a leaf that m5kit or a plugin ships.
        overrides: ``KEY=NAME`` picks another piece, ``KEY=none`` drops a part, ``KEY.SUB=VALUE`` sets a value.
        data: folder that becomes ``data.root``.

    Raises:
        ConfigError: a file or a piece cannot be found or read, bases form a circle, or overrides are mistaken (all of
            those at once).
    """
    file = find_config(path)
    trust.begin(file)
    own = own_root(file)
    tree = _compose(file, own, ())
    tree, problems = command_line.apply(tree, overrides, lambda key, name: _piece(key, name, own, "--set"), own)
    if data is not None:
        tree = merge(tree, Node({"data": Node({"root": Node(str(data), "--data")}, "--data")}, tree.origin))
    problems += _drop_problems(tree)
    if problems:
        raise ConfigError(problems)
    tree, notes = _prune(trust.settle(tree))
    tree = merge(from_plain({"name": config_name(file), **defaults()}, "default"), tree)
    tree = Node(dict(sorted(tree.value.items(), key=lambda item: (rank(item[0]), item[0]))), tree.origin)
    values = to_plain(tree)
    return Resolved(values, dict(origins(tree)), str(values["name"]), display(file), tuple(notes))


def dump(resolved: Resolved) -> str:
    """The whole config as YAML that needs no other file and loads to the same values."""
    return write(dict(resolved.values))


def annotate(resolved: Resolved) -> str:
    """The whole config as YAML with the origin of each value beside it."""
    notes = [f"# {note}" for note in resolved.notes]
    return "\n".join([*notes, *_annotated(resolved.values, resolved.origins, "")]) + "\n"


def _annotated(values: Mapping[str, Any], origins: Mapping[str, str], path: str) -> Iterator[str]:
    indent = "  " * path.count(".")
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{write_inline(key)}:"
            yield from _annotated(value, origins, f"{path}{key}.")
        else:
            yield f"{indent}{write_inline(key)}: {write_inline(value)}  # {origins[path + key]}"


def _compose(file: Path, own: Path | None, chain: tuple[Path, ...]) -> Node:
    """The file on its bases."""
    if file.resolve() in chain:
        circle = " -> ".join(display(step) for step in (*chain, file.resolve()))
        raise ConfigError([f"{display(file)}: the bases form a circle: {circle}; remove one of them"])
    node = trust.own(read_file(file), file, chain)
    keys = dict(node.value)
    bases = keys.pop(PIECES, Node([], ""))
    tree = Node({}, node.origin)
    for entry in _entries(bases):
        if entry.endswith(SUFFIXES):
            tree = merge(tree, _base(entry, file, (*chain, file.resolve()), bases.origin))
        else:  # a piece is the whole of its key, here as in --set
            tree = Node({**tree.value, **_named_piece(entry, own, f"{bases.origin}: {PIECES}")}, tree.origin)
    return merge(tree, Node(keys, node.origin))


def _entries(bases: Node) -> Iterator[str]:
    for entry in bases.value if isinstance(bases.value, list) else [bases.value]:
        if not isinstance(entry, str):
            raise ConfigError([f"{bases.origin}: {PIECES}: expected paths or key/name, got {entry!r}"])
        yield entry


def _base(entry: str, file: Path, chain: tuple[Path, ...], origin: str) -> Node:
    path = file.parent / entry
    if not is_file(path):
        raise ConfigError([f"{origin}: {PIECES}: there is no file {entry!r} beside {display(file)}"])
    return _compose(path, own_root(path), chain)


def _named_piece(entry: str, own: Path | None, wanted_by: str) -> dict[str, Node]:
    key, slash, name = entry.partition("/")
    if not slash or "/" in name:
        raise ConfigError([f"{wanted_by}: expected a path ending in .yaml or key/name, got {entry!r}"])
    return {key: _piece(key, name, own, wanted_by)}


def _piece(key: str, name: str, own: Path | None, wanted_by: str) -> Node:
    """The value of the piece's one key."""
    if key == trust.KEY:
        raise ConfigError(
            [f"{wanted_by}: {key}: no piece may name plugins; write {key}.local=[FILE] or a config of yours"]
        )
    path = find_piece(key, name, own)
    if path is None:
        names = piece_names(key, own)
        near = get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            [f"{wanted_by}: {key}: no piece is named {name!r}; {hint}there are: {', '.join(names) or 'none'}"]
        )
    content = read_file(path)
    if list(content.value) != [key]:
        found = ", ".join(content.value) or "nothing"
        raise ConfigError([f"{content.origin}: a piece defines one key, that of its folder: {key!r}; found {found}"])
    return merge(None, content.value[key])


def _drop_problems(tree: Node) -> Iterator[str]:
    for key, node in tree.value.items():
        if node.is_dropped and not is_known(key):
            yield f"{node.origin}: {key}: there is no such key to drop"
        elif node.is_dropped and (key in SCALARS or (key in SECTIONS and key not in ("init", trust.KEY))):
            yield f"{node.origin}: {key}: cannot be dropped, every run has one; set a value"


def _prune(tree: Node) -> tuple[Node, list[str]]:
    """Remove dropped parts and, with a dropped encoder, its input, its place in a shared stack and tasks on it."""
    kept = {key: node for key, node in tree.value.items() if not node.is_dropped}
    notes = []
    for key, node in tree.value.items():
        family, _, modality = key.partition("_")
        if family not in ("encoder", "input") or not node.is_dropped:
            continue
        bound = [other for other, part in kept.items() if _is_bound(other, part, modality)]
        notes += [f"{other} is dropped with {key}" for other in bound]
        kept = {other: part for other, part in kept.items() if other not in bound}
    if "model" in kept:
        gone = {key.removeprefix("encoder_") for key in tree.value.keys() - kept.keys() if key.startswith("encoder_")}
        kept["model"], changes = _unshare(kept["model"], gone)
        notes += changes
    for key, table in [(key, kept[key]) for key in TABLES if key in kept and kept[key].is_mapping]:
        kept[key] = Node({k: part for k, part in table.value.items() if not part.is_dropped}, table.origin)
    return Node(kept, tree.origin), notes


def _unshare(model: Node, gone: Set[str]) -> tuple[Node, list[str]]:
    """Take dropped encoders out of ``model.share``; a stack that one is left with is its own."""
    share = model.child("share")
    if share is None or not isinstance(share.value, list) or not all(isinstance(group, list) for group in share.value):
        return model, []
    lost = [name for group in share.value for name in group if name in gone]
    if not lost:
        return model, []
    left = [[name for name in group if name not in gone] for group in share.value]
    kept = Node([group for group in left if len(group) > 1], share.origin)
    notes = [f"{name} is dropped from model.share with encoder_{name}" for name in lost]
    return Node({**model.value, "share": kept}, model.origin), notes


def _is_bound(key: str, part: Node, modality: str) -> bool:
    one, several = part.child("modality"), part.child("between")
    named = [one.value if one else None, *(several.value if several and isinstance(several.value, list) else [])]
    return key in (f"input_{modality}", f"encoder_{modality}") or (key.startswith("task_") and modality in named)
