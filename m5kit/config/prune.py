"""Removes the parts that a config drops (``KEY: none``), together with the parts that need them."""

from collections.abc import Iterator, Set

from m5kit.config.plugin_scope import KEY as PLUGINS
from m5kit.config.sections import SCALARS, SECTIONS, TABLES, is_known
from m5kit.config.tree import Node

_DROPPABLE_SECTIONS = ("init", PLUGINS)


def drop_problems(tree: Node) -> Iterator[str]:
    """Keys that are dropped but unknown, or needed by every run."""
    for key, node in tree.value.items():
        if not node.is_dropped:
            continue
        if not is_known(key):
            yield f"{node.origin}: {key}: there is no such key to drop"
        elif key in SCALARS or (key in SECTIONS and key not in _DROPPABLE_SECTIONS):
            yield f"{node.origin}: {key}: cannot be dropped, every run has one; set a value"


def prune(tree: Node) -> tuple[Node, list[str]]:
    """Remove dropped parts and, with a dropped encoder, its input, its place in a shared stack and tasks on it.

    Returns:
        The config without them, and a sentence for each part that was dropped along with another.
    """
    kept: dict[str, Node] = {}
    dropped: list[str] = []
    for key, node in tree.value.items():
        if node.is_dropped:
            dropped.append(key)
        else:
            kept[key] = node
    notes: list[str] = []
    for key in dropped:
        family, _, modality = key.partition("_")
        if family in ("encoder", "input"):
            notes += _drop_bound(kept, modality, key)
    gone = set()
    for key in tree.value.keys() - kept.keys():
        if key.startswith("encoder_"):
            gone.add(key.removeprefix("encoder_"))
    if "model" in kept:
        kept["model"], changes = _unshare(kept["model"], gone)
        notes += changes
    for key in TABLES:
        if key in kept and kept[key].is_mapping:
            kept[key] = _without_dropped(kept[key])
    return Node(kept, tree.origin), notes


def _drop_bound(kept: dict[str, Node], modality: str, dropped: str) -> list[str]:
    """Remove everything that needs the modality from ``kept``."""
    bound = [key for key, part in kept.items() if _is_bound(key, part, modality)]
    for key in bound:
        del kept[key]
    return [f"{key} is dropped with {dropped}" for key in bound]


def _is_bound(key: str, part: Node, modality: str) -> bool:
    if key in [f"{family}_{modality}" for family in ("input", "encoder", "descriptor", "readout")]:
        return True
    # the two arguments by which tasks name their modalities
    one, several = part.child("modality"), part.child("between")
    named = [] if one is None else [one.value]
    if several is not None and isinstance(several.value, list):
        named += several.value
    return key.startswith("task_") and modality in named


def _without_dropped(table: Node) -> Node:
    """A table of parts without those that are dropped."""
    return Node({name: part for name, part in table.value.items() if not part.is_dropped}, table.origin)


def _unshare(model: Node, gone: Set[str]) -> tuple[Node, list[str]]:
    """Remove dropped encoders from ``model.share``; a group with one encoder left is removed as a whole."""
    share = model.child("share")
    # the schema reports anything that is not a list of lists, once the config is whole
    if share is None or not isinstance(share.value, list) or not all(isinstance(group, list) for group in share.value):
        return model, []
    groups: list[list[str]] = []
    notes: list[str] = []
    for group in share.value:
        left = []
        for name in group:
            if name in gone:
                notes.append(f"{name} is dropped from model.share with encoder_{name}")
            else:
                left.append(name)
        # a group that was too short from the start stays, so that the check of the whole config reports it
        if len(left) > 1 or len(left) == len(group):
            groups.append(left)
    if not notes:
        return model, []
    return Node({**model.value, "share": Node(groups, share.origin)}, model.origin), notes
