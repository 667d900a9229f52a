"""Removes the parts that a config drops (``KEY: none``), together with the parts that need them."""

from collections.abc import Iterator, Set
from typing import Any

from m5kit.config.overrides import ORIGIN as COMMAND_LINE
from m5kit.config.plugin_scope import KEY as PLUGINS
from m5kit.config.sections import SCALARS, SECTIONS, TABLES, is_known
from m5kit.config.tree import Node
from m5kit.registry import METRICS, TASKS, ComponentRegistry

MOST = "most_modalities"
"""Key of a task in a config: the task is for models of at most so many modalities. No constructor sees it."""
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

    Then tasks and metrics go that compare modalities where too few are left.

    Returns:
        The config without them, and a sentence for each part that others were dropped with.
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
    gone = {key.removeprefix("encoder_") for key in dropped if key.startswith("encoder_")}
    for section, lessen in (("model", _unshare), ("data", _hush)):
        if section in kept:
            kept[section], changes = lessen(kept[section], gone)
            notes += changes
    for key in TABLES:
        if key in kept and kept[key].is_mapping:
            kept[key] = _without_dropped(kept[key])
    notes += _drop_unsuited(kept)
    return Node(kept, tree.origin), notes


def _drop_bound(kept: dict[str, Node], modality: str, dropped: str) -> list[str]:
    """Remove everything that needs the modality from ``kept``."""
    bound = [key for key, part in kept.items() if _is_bound(key, part, modality)]
    for key in bound:
        del kept[key]
    return [f"dropped with {dropped}: {', '.join(bound)}"] if bound else []


def _drop_unsuited(kept: dict[str, Node]) -> list[str]:
    """Remove tasks and metrics that need more modalities than there are, and tasks that are meant for fewer."""
    modalities = [key.removeprefix("encoder_") for key in kept if key.startswith("encoder_")]
    if not modalities:
        return []  # metrics alone, for a features file; a run without encoders is for the check of the whole config
    lacking = []
    for key in [key for key in kept if key.startswith("task_")]:
        task = kept[key]
        most = task.child(MOST)
        if most is not None and type(most.value) is int:  # the constructor's check reports anything else
            kept[key] = _without(task, MOST)
            if len(modalities) > most.value:
                del kept[key]
        elif _least(TASKS, task) > len(modalities):
            del kept[key]
            lacking.append(key)
    metrics = kept.get("evaluation")
    if metrics is not None and metrics.is_mapping:
        names = [name for name, metric in metrics.value.items() if _least(METRICS, metric) > len(modalities)]
        # a metric that was asked for by hand stays, and the check of the whole config says why it cannot run
        names = [name for name in names if metrics.value[name].origin != COMMAND_LINE]
        kept["evaluation"] = _without(metrics, *names)
        lacking += [f"evaluation.{name}" for name in names]
    if not lacking:
        return []
    return [f"dropped because they compare modalities and there is only {', '.join(modalities)}: {', '.join(lacking)}"]


def _least(family: ComponentRegistry, part: Node) -> int:
    """How many modalities a built-in part needs, as its source says; of plugins, the check of the config asks."""
    name = part.child("type")
    declared: Any = family.declared(name.value, "least_modalities") if name is not None else None
    return declared if isinstance(declared, int) else 1


def _without(mapping: Node, *keys: str) -> Node:
    if not mapping.is_mapping:
        return mapping
    return Node({key: part for key, part in mapping.value.items() if key not in keys}, mapping.origin)


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


def _hush(data: Node, gone: Set[str]) -> tuple[Node, list[str]]:
    """Remove dropped encoders from ``data.noise``; no note, since a shipped config names whatever items may have."""
    noise = data.child("noise")
    if noise is None or not noise.is_mapping:
        return data, []
    return Node({**data.value, "noise": _without(noise, *gone)}, data.origin), []


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
