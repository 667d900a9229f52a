"""Mistakes that no single key shows: parts of a config that do not go together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from m5kit.config.parts import Problem

PAIRWISE = ("contrastive", "matching", "alignment", "m5kit:contrastive", "m5kit:matching", "m5kit:alignment")
"""Tasks that learn nothing from one modality."""


def combination_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that does not fit together."""
    modalities = sorted(key.removeprefix("encoder_") for key in values if key.startswith("encoder_"))
    tasks = {key: value for key, value in values.items() if key.startswith("task_") and isinstance(value, Mapping)}
    yield from _structure(values, modalities)
    yield from _mode(values, list(tasks))
    yield from _tasks(tasks, modalities)
    yield from _widths(values)
    yield from _sharing(values, modalities)


def _structure(values: Mapping[str, Any], modalities: list[str]) -> Iterator[Problem]:
    if not modalities:
        yield "encoder_*", "is missing; a model needs at least one encoder"
    for modality in modalities:
        if f"input_{modality}" not in values:
            yield f"encoder_{modality}", f"has no input_{modality}, which says how the media become its input"
    for key in values:
        if key.startswith("input_") and key.removeprefix("input_") not in modalities:
            yield key, f"has no encoder_{key.removeprefix('input_')} to feed; add one or drop it with {key}: none"
    for key in ("fusion", "harmonizer"):
        if key not in values:
            yield key, f"is missing; pick a piece, as in --set {key}=NAME"


def _mode(values: Mapping[str, Any], tasks: list[str]) -> Iterator[Problem]:
    if values.get("mode") == "pretrain" and not tasks:
        yield "mode", "pretraining needs at least one task; add a task_* piece"
    if values.get("mode") != "finetune":
        return
    if "head" not in values:
        yield "head", "is missing; fine-tuning trains one"
    data = values.get("data")
    if isinstance(data, Mapping) and data.get("label") is None:
        yield "data.label", "is missing; fine-tuning learns this label"
    for task in tasks:
        yield task, f"pretext tasks do not run in fine-tuning; drop it with {task}: none"
    if "balancer" in values:
        yield "balancer", "balances pretext tasks, which do not run in fine-tuning; drop it with balancer: none"


def _tasks(tasks: Mapping[str, Mapping[str, Any]], modalities: list[str]) -> Iterator[Problem]:
    hiding = defaultdict(list)
    for key, task in tasks.items():
        modality = task.get("modality")
        if isinstance(modality, str):
            hiding[modality].append(key)
            if modality not in modalities:
                has = ", ".join(modalities) or "none"
                yield f"{key}.modality", f"there is no encoder_{modality}; the config has {has}"
        if task.get("type") in PAIRWISE and len(modalities) < 2:
            yield key, f"compares modalities and the config has {len(modalities)}; drop it with {key}: none"
    for modality, keys in hiding.items():
        for key in keys[1:]:
            yield f"{key}.modality", f"{keys[0]} hides tokens of {modality!r} already; keep one of them"


def _widths(values: Mapping[str, Any]) -> Iterator[Problem]:
    model = values.get("model")
    width = model.get("dim") if isinstance(model, Mapping) else None
    for key, value in values.items():
        if key.startswith(("encoder_", "fusion")) and isinstance(value, Mapping) and value.get("dim", width) != width:
            yield f"{key}.dim", f"{value['dim']!r} is not the common width model.dim={width!r}; leave it out"


def _sharing(values: Mapping[str, Any], modalities: list[str]) -> Iterator[Problem]:
    model = values.get("model")
    groups = model.get("share") if isinstance(model, Mapping) else None
    groups = groups if isinstance(groups, list) and all(isinstance(group, list) for group in groups) else []
    named = [name for group in groups for name in group]
    for name in dict.fromkeys(named):
        if name not in modalities:
            yield "model.share", f"there is no encoder_{name}; the config has {', '.join(modalities)}"
        elif named.count(name) > 1:
            yield "model.share", f"{name} is named twice; an encoder has one stack"
    if any(len(group) < 2 for group in groups):
        yield "model.share", "expected groups of two or more, as in [[text, table], [image, video]]"
