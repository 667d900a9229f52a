"""Builds the parts that a checked config names and joins them into a model."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch

from m5kit.api import (
    Balancer,
    Encoder,
    Fusion,
    Harmonizer,
    Head,
    Hook,
    LearningRateSchedule,
    Observation,
    Task,
    Transform,
)
from m5kit.config import RunConfig
from m5kit.config.parts import named_part
from m5kit.data.dataset import Pipeline, Samples, corpus
from m5kit.errors import ConfigError, DataError
from m5kit.models.backbone import Backbone
from m5kit.models.base import Model
from m5kit.models.finetuner import Finetuner
from m5kit.models.parts import freeze
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.sharing import share_stacks
from m5kit.registry import (
    BALANCERS,
    DECODERS,
    ENCODERS,
    FUSIONS,
    HARMONIZERS,
    HEADS,
    HOOKS,
    SCHEDULES,
    TASKS,
    TRANSFORMS,
)
from m5kit.structures import Inputs

FIT_ITEMS = 50_000
"""How many training items a transform learns from at most; a vocabulary needs no more."""


def build_pipelines(config: RunConfig) -> dict[str, Pipeline]:
    """Decoder and transform of every modality that has an encoder."""
    return {
        m: Pipeline(
            decoder=DECODERS.build(config.inputs[m]["decoder"], config.plugins),
            transform=TRANSFORMS.build(config.inputs[m]["transform"], config.plugins),
            source=config.inputs[m].get("source"),
            join=tuple(config.inputs[m].get("join", ())),
        )
        for m in sorted(config.encoders)
    }


def fit_transforms(pipelines: Mapping[str, Pipeline], samples: Samples, root: Path) -> None:
    """Let the transforms that learn from the corpus see the training items.

    Raises:
        DataError: no training item has a modality that a transform must learn from.
    """
    for modality, pipeline in pipelines.items():
        if not pipeline.transform.learns:
            continue
        learned = corpus(samples, root, modality, pipeline)
        first = next(learned, None)
        if first is None:
            raise DataError(
                f"no training item has {modality}, so its transform has nothing to learn from; "
                f"drop it with --set encoder_{modality}=none or name other splits in data.train"
            )
        pipeline.transform.fit(islice(chain([first], learned), FIT_ITEMS))


def build_backbone(config: RunConfig, transforms: Mapping[str, Transform]) -> Backbone:
    """Encoders, harmonizer and fusion of one width."""
    dim, modalities = config.model.dim, tuple(sorted(config.encoders))
    encoders = {m: _build_encoder(m, config, transforms[m]) for m in modalities}
    share_stacks(encoders, config.model.share)
    fusion: Fusion = FUSIONS.build(config.fusion, config.plugins, dim=dim, modalities=modalities)
    harmonizer: Harmonizer = HARMONIZERS.build(config.harmonizer, config.plugins, modalities=modalities)
    return Backbone(
        encoders=encoders,
        fusion=fusion,
        harmonizer=harmonizer,
        features=config.model.features,
        weigh_pairs=config.weighting.pairs,
        weigh_tasks=config.weighting.tasks,
        weigh_pooling=config.weighting.pooling,
        pairs_from=config.weighting.pairs_from,
        tasks_from=config.weighting.tasks_from,
    )


def build_model(
    config: RunConfig,
    transforms: Mapping[str, Transform],
    classes: Mapping[str, Sequence[str]],
    class_counts: Sequence[int] | None = None,
) -> Model:
    """The model that the config's mode trains; the parts that it freezes are frozen.

    Args:
        config: checked.
        transforms: by modality, fitted.
        classes: class names by label; fine-tuning needs those of its label.
        class_counts: training items of each class of that label; None where a checkpoint will bring what follows from
            them.
    """
    backbone = build_backbone(config, transforms)
    if config.mode == "finetune":
        label, head = _build_head(config, backbone, classes, class_counts)
        model: Model = Finetuner(backbone=backbone, head=head, label=label, alone=config.finetune.alone)
    else:
        model = _build_pretrainer(config, backbone, transforms)
    freeze(model, config.freeze)
    return model


def _build_pretrainer(config: RunConfig, backbone: Backbone, transforms: Mapping[str, Transform]) -> Pretrainer:
    tasks = {name: _build_task(task, config, backbone, transforms) for name, task in config.tasks.items()}
    balancer: Balancer = BALANCERS.build(config.balancer, config.plugins, tasks=tuple(tasks))
    weights = {name: task["weight"] for name, task in config.tasks.items()}
    return Pretrainer(backbone=backbone, tasks=tasks, weights=weights, balancer=balancer)


def build_hooks(config: RunConfig) -> dict[str, Hook]:
    """The hooks of a run by name, in the order of the config."""
    return {name: HOOKS.build(hook, config.plugins) for name, hook in config.hooks.items()}


def build_schedule(given: str | Mapping[str, Any]) -> LearningRateSchedule:
    """The schedule of a run: a name alone, or a ``type`` and its arguments."""
    schedule: LearningRateSchedule = SCHEDULES.build(named_part(given))
    return schedule


def describe_model(config: RunConfig) -> list[tuple[str, str, int, str]]:
    """Part, class, parameters of its own and output of everything a config builds, on the meta device, without data.

    A vocabulary that would be learned from the corpus counts with its largest size.
    """
    transforms = {m: pipeline.transform for m, pipeline in build_pipelines(config).items()}
    with torch.device("meta"):
        backbone = build_backbone(config, transforms)
        tasks = {name: _build_task(task, config, backbone, transforms) for name, task in config.tasks.items()}
        balancer = BALANCERS.build(config.balancer, config.plugins, tasks=tuple(tasks))
    dim, lengths = config.model.dim, {m: _most_tokens(backbone.encoders[m], transforms[m]) for m in transforms}
    parts: list[tuple[str, Any, str]] = [
        (f"encoder_{m}", backbone.encoders[m], f"{lengths[m]} tokens of {dim}") for m in transforms
    ]
    parts.append(("projections", backbone.projections, f"contrastive features of {backbone.features}"))
    parts.append(("fusion", backbone.fusion, f"{sum(lengths.values())} tokens, an embedding of {dim}"))
    parts.append(("harmonizer", backbone.harmonizer, f"{len(transforms)} x {len(transforms)} weights"))
    parts += [(f"task_{name}", task, "a loss") for name, task in tasks.items()]
    parts += [("balancer", balancer, f"{len(tasks)} weights")] if tasks else []
    return list(_described(parts))


def _most_tokens(encoder: Encoder, transform: Transform) -> int:
    """Tokens of an item of full length, the summary counted."""
    return 1 + observe_blank(encoder, transform).values.shape[1]


def _build_encoder(modality: str, config: RunConfig, transform: Transform) -> Encoder:
    """An encoder that agrees with its transform about sizes."""
    given, facts = config.encoders[modality], transform.provides()
    problems = [
        f"encoder_{modality}.{key}: {given[key]!r} does not fit input_{modality}, which provides {fact!r}; leave it out"
        for key, fact in facts.items()
        if key in given and given[key] != fact
    ]
    if problems:
        raise ConfigError(problems)
    encoder: Encoder = ENCODERS.build(given, config.plugins, dim=config.model.dim, **facts)
    if encoder.dim != config.model.dim:
        raise ConfigError(
            [f"encoder_{modality}.dim: {encoder.dim} is not the common width model.dim={config.model.dim}"]
        )
    return encoder


def _build_task(
    task: Mapping[str, Any], config: RunConfig, backbone: Backbone, transforms: Mapping[str, Transform]
) -> Task:
    facts: dict[str, Any] = {"modalities": backbone.modalities, "dim": config.model.dim, "features": backbone.features}
    modality = task.get("modality")
    if modality is not None:
        seen = observe_blank(backbone.encoders[modality], transforms[modality])
        facts |= _prediction_facts(seen)
    built: Task = TASKS.build({k: v for k, v in task.items() if k != "weight"}, config.plugins, **facts)
    return built


def _prediction_facts(seen: Observation) -> dict[str, int | None]:
    """What a task that hides tokens must know to predict them: a vocabulary, or widths of features."""
    if seen.vocabulary is not None:
        return {"vocabulary": seen.vocabulary, "observed": None, "predicted": None}
    target = seen.values if seen.target is None else seen.target
    return {"vocabulary": None, "observed": seen.values.shape[-1], "predicted": target.shape[-1]}


def observe_blank(encoder: Encoder, transform: Transform) -> Observation:
    """What an encoder observes in an empty item; tells the tasks what they will have to predict."""
    with torch.no_grad(), torch.device("cpu"):  # sizes and plans are the host's, also while a model is built elsewhere
        blank = Inputs.stack([transform.blank()])
        device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        return encoder.observe(blank.to(device))


def _build_head(
    config: RunConfig,
    backbone: Backbone,
    classes: Mapping[str, Sequence[str]],
    class_counts: Sequence[int] | None,
) -> tuple[str, Head]:
    label = config.data.label
    if config.head is None or label is None:
        raise ConfigError(["fine-tuning needs a head and data.label, the label it learns"])
    facts = {
        "dim": config.model.dim,
        "modalities": backbone.modalities,
        "classes": len(classes[label]),
        "class_names": tuple(classes[label]),
        "class_counts": class_counts,
    }
    head: Head = HEADS.build(config.head, config.plugins, **facts)
    return label, head


def _described(parts: Iterable[tuple[str, Any, str]]) -> Iterator[tuple[str, str, int, str]]:
    """Parameters that several parts share count with the first of them."""
    counted: set[int] = set()
    for key, part, output in parts:
        own = {id(p): p.numel() for p in part.parameters() if id(p) not in counted}
        counted |= own.keys()
        yield key, type(part).__name__, sum(own.values()), output
