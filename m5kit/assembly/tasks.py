"""Builds pretext tasks with the sizes that follow from the encoders whose tokens they hide."""

from collections.abc import Mapping
from typing import Any

import torch

from m5kit.api import Encoder, Observation, Task, Transform
from m5kit.config import RunConfig
from m5kit.models.backbone import Backbone
from m5kit.nn.initial import own_weights
from m5kit.registry import TASKS
from m5kit.structures import Inputs


def build_tasks(config: RunConfig, backbone: Backbone, transforms: Mapping[str, Transform]) -> dict[str, Task]:
    """The pretext tasks by name, in the order of the config."""
    tasks = {}
    for name, task in config.tasks.items():
        with own_weights(f"task_{name}"):
            tasks[name] = _build_task(task, config, backbone, transforms)
    return tasks


def _build_task(
    task: Mapping[str, Any], config: RunConfig, backbone: Backbone, transforms: Mapping[str, Transform]
) -> Task:
    """Build one task with the sizes that follow from the backbone and, if it has a modality, from its encoder."""
    facts: dict[str, Any] = {"modalities": backbone.modalities, "dim": config.model.dim, "features": backbone.features}
    modality = task.get("modality")
    if modality is not None:
        seen = observe_blank(backbone.encoders[modality], transforms[modality])
        facts |= _prediction_facts(seen)
    arguments = dict(task)
    arguments.pop("weight", None)  # belongs to the model, which weighs the losses
    built: Task = TASKS.build(arguments, config.plugins, **facts)
    return built


def _prediction_facts(seen: Observation) -> dict[str, int | None]:
    """The sizes that a task needs to predict hidden tokens: a vocabulary, or widths of features."""
    if seen.vocabulary is not None:
        return {"vocabulary": seen.vocabulary, "observed": None, "predicted": None}
    target = seen.values if seen.target is None else seen.target
    return {"vocabulary": None, "observed": seen.values.shape[-1], "predicted": target.shape[-1]}


def observe_blank(encoder: Encoder, transform: Transform) -> Observation:
    """Observe an empty item; the result tells tasks what they will have to predict."""
    with torch.no_grad(), torch.device("cpu"):  # sizes and plans are the host's, also while a model is built elsewhere
        blank = Inputs.stack([transform.blank()])
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        if device.type != "meta":
            return encoder.observe(blank.to(device))
        try:
            # on the meta device PyTorch imports its compiler for the simplest sum; few encoders observe with weights
            return encoder.observe(blank)
        except (RuntimeError, NotImplementedError):  # this one does, and its weights have no values
            return encoder.observe(blank.to(device))
