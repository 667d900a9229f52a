"""Mistakes that involve several keys: parts of a config that do not fit together."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from m5kit.config.parts import Problem
from m5kit.config.sections import LEARNING_PARTS
from m5kit.errors import M5KitError
from m5kit.plugins import PluginScope
from m5kit.registry import METRICS, TASKS
from m5kit.signatures import suggestion


def combination_problems(values: Mapping[str, Any], scope: PluginScope | None = None) -> Iterator[Problem]:
    """Everything that does not fit together; imports the modules of the tasks."""
    modalities = sorted(key.removeprefix("encoder_") for key in values if key.startswith("encoder_"))
    # a task that is not a mapping is reported as a malformed part
    tasks = {key: value for key, value in values.items() if key.startswith("task_") and isinstance(value, Mapping)}
    yield from _structure(values, modalities)
    yield from _mode(values, list(tasks))
    yield from _tasks(tasks, modalities, scope)
    yield from _metrics(values.get("evaluation"), modalities)
    yield from _widths(values)
    yield from _sharing(values, modalities)
    yield from _noise(values, modalities)
    yield from _learning_parts(values)
    yield from _batches(values)


def _structure(values: Mapping[str, Any], modalities: list[str]) -> Iterator[Problem]:
    """Encoders without inputs, inputs without encoders, and parts that every model has."""
    if not modalities:
        yield "encoder_*", "is missing; a model needs at least one encoder"
    for modality in modalities:
        if f"input_{modality}" not in values:
            yield f"encoder_{modality}", f"has no input_{modality}, which says how the media become its input"
    for key in values:
        if key.startswith("input_") and key.removeprefix("input_") not in modalities:
            yield key, f"has no encoder_{key.removeprefix('input_')} to feed; add one or drop it with {key}: none"
    for key in values:
        family, _, modality = key.partition("_")
        if family in ("descriptor", "readout") and modality not in modalities:
            yield key, f"has no encoder_{modality} to stand beside; add one or drop it with {key}: none"
    for key in ("fusion", "harmonizer"):
        if key not in values:
            yield key, f"is missing; pick a piece, as in --set {key}=NAME"


def _mode(values: Mapping[str, Any], tasks: list[str]) -> Iterator[Problem]:
    """Keys that the mode needs, or has no use for."""
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


def _tasks(
    tasks: Mapping[str, Mapping[str, Any]], modalities: list[str], scope: PluginScope | None
) -> Iterator[Problem]:
    """Tasks that the modalities of the config cannot serve, and tasks that are in each other's way."""
    hiding: dict[str, str] = {}
    for key, task in tasks.items():
        least = _least_modalities(task.get("type"), scope)
        if len(modalities) < least:
            yield key, f"needs {least} modalities and the config has {len(modalities)}; drop it with {key}: none"
        modality = task.get("modality")
        if not isinstance(modality, str):
            continue
        if modality not in modalities:
            yield f"{key}.modality", f"there is no encoder_{modality}; the config has {', '.join(modalities) or 'none'}"
        # two tasks cannot both replace tokens of a modality: one would be asked for what the other put there
        if modality in hiding:
            yield f"{key}.modality", f"{hiding[modality]} hides tokens of {modality!r} already; keep one of them"
        hiding.setdefault(modality, key)


def _metrics(metrics: Any, modalities: list[str]) -> Iterator[Problem]:
    """Metrics that need more modalities; those that only a shipped config asks for were left out before."""
    for name, metric in metrics.items() if isinstance(metrics, Mapping) else ():
        kind = metric.get("type") if isinstance(metric, Mapping) else None
        least = METRICS.declared(kind, "least_modalities") if isinstance(kind, str) else None
        if isinstance(least, int) and len(modalities) < least:
            key = f"evaluation.{name}"
            yield key, f"needs {least} modalities and the config has {len(modalities)}; drop it with {key}: none"


def _least_modalities(name: Any, scope: PluginScope | None) -> int:
    """How many modalities the task needs to learn anything, as its class declares."""
    try:
        return getattr(TASKS.get(name, scope), "least_modalities", 1) if isinstance(name, str) else 1
    except M5KitError:  # find_parts reports it
        return 1


def _widths(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Widths of parts that differ from the common width."""
    model = values.get("model")
    width = model.get("dim") if isinstance(model, Mapping) else None
    for key, value in values.items():
        if key.startswith(("encoder_", "fusion")) and isinstance(value, Mapping) and value.get("dim", width) != width:
            yield f"{key}.dim", f"{value['dim']!r} is not the common width model.dim={width!r}; leave it out"


def _sharing(values: Mapping[str, Any], modalities: list[str]) -> Iterator[Problem]:
    """Groups of ``model.share`` that name unknown encoders, or name one twice."""
    model = values.get("model")
    groups = model.get("share") if isinstance(model, Mapping) else None
    groups = groups if isinstance(groups, list) and all(isinstance(group, list) for group in groups) else []
    named = list(chain.from_iterable(groups))
    for name in dict.fromkeys(named):
        if name not in modalities:
            yield "model.share", f"there is no encoder_{name}; the config has {', '.join(modalities)}"
        elif named.count(name) > 1:
            yield "model.share", f"{name} is named twice; an encoder has one stack"
    if any(len(group) < 2 for group in groups):
        yield "model.share", "expected groups of two or more, as in [[text, table], [image, video]]"


def _noise(values: Mapping[str, Any], modalities: list[str]) -> Iterator[Problem]:
    """Noise on what the config has no encoder for."""
    data = values.get("data")
    noise = data.get("noise") if isinstance(data, Mapping) else None
    for name in noise if isinstance(noise, Mapping) else ():
        if name not in modalities:
            yield f"data.noise.{name}", f"there is no encoder_{name}; the config has {', '.join(modalities)}"


def _learning_parts(values: Mapping[str, Any]) -> Iterator[Problem]:
    """``freeze`` and ``rates`` name parts of this config, and no part is in both."""
    known = [key for key in values if key in LEARNING_PARTS or key.startswith(("encoder_", "task_"))]
    frozen, rates = values.get("freeze"), values.get("rates")
    frozen = frozen if isinstance(frozen, list) else []
    rates = rates if isinstance(rates, Mapping) else {}
    for key, names in (("freeze", frozen), ("rates", rates)):
        for name in names:
            if isinstance(name, str) and name not in known:
                yield key, f"the config has no part {name!r}; {suggestion(name, known) or 'it has ' + ', '.join(known)}"
    for name in frozen:
        if name in rates:
            yield f"rates.{name}", "is frozen and has no learning rate; name it in freeze or in rates, not in both"


def _batches(values: Mapping[str, Any]) -> Iterator[Problem]:
    data = values.get("data")
    if isinstance(data, Mapping) and data.get("balance") == "label" and data.get("label") is None:
        yield "data.balance", "balances the classes of data.label, which is not set; name a label there"
    if isinstance(data, Mapping) and data.get("balance") == "label" and data.get("window"):
        yield "data.window", "mixes some shards at a time, and data.balance draws from all; drop one of them"
    schedule = values.get("schedule")
    if not (isinstance(data, Mapping) and isinstance(schedule, Mapping)):
        return
    if data.get("balance") == "label" and schedule.get("tokens"):
        yield "schedule.tokens", "puts items of like size together, and data.balance draws by class; drop one of them"
    if schedule.get("epochs") and schedule.get("tokens"):
        yield (
            "schedule.epochs",
            "counts batches of equal size, and schedule.tokens makes others; give max_steps instead",
        )
