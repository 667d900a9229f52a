"""Builds the parts that a checked config names and joins them into a model."""

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from m5kit.api import (
    Balancer,
    Encoder,
    Fusion,
    Harmonizer,
    Head,
    Hook,
    LearningRateSchedule,
    Transform,
)
from m5kit.assembly.tasks import build_tasks
from m5kit.assembly.vectors import build_descriptors, build_readouts
from m5kit.config import RunConfig
from m5kit.config.parts import named_part
from m5kit.data.dataset import Samples, corpus
from m5kit.data.pipeline import Pipeline
from m5kit.errors import ConfigError, DataError
from m5kit.models.backbone import Backbone
from m5kit.models.base import Model
from m5kit.models.finetuner import Finetuner
from m5kit.models.parts import freeze
from m5kit.models.pretrainer import Pretrainer
from m5kit.models.sharing import share_stacks
from m5kit.nn.initial import own_weights
from m5kit.registry import (
    BALANCERS,
    DECODERS,
    ENCODERS,
    FUSIONS,
    HARMONIZERS,
    HEADS,
    HOOKS,
    SCHEDULES,
    TRANSFORMS,
)

FIT_ITEMS = 50_000
"""The most training items that a transform learns from; a vocabulary needs no more."""


def build_pipelines(config: RunConfig) -> dict[str, Pipeline]:
    """Decoder and transform of every modality that has an encoder.

    Raises:
        ConfigError: noise is asked for on ids.
    """
    pipelines, noise = {}, config.data.noise or {}
    for modality in sorted(config.encoders):
        settings = config.inputs[modality]
        decoder = DECODERS.build(settings["decoder"], config.plugins)
        decoder.follow_links = config.data.follow_links
        pipelines[modality] = Pipeline(
            decoder=decoder,
            transform=TRANSFORMS.build(settings["transform"], config.plugins),
            source=settings.get("source"),
            join=tuple(settings.get("join", ())),
            several=settings.get("several", "all"),
            noise=noise.get(modality, 0.0),
        )
    made_of_ids = [m for m in noise if m in pipelines and "vocabulary" in (pipelines[m].transform.provided or ())]
    if made_of_ids:
        raise ConfigError([f"data.noise.{m}: {m} is ids here, which bear no noise; leave it out" for m in made_of_ids])
    return pipelines


def fit_transforms(pipelines: Mapping[str, Pipeline], samples: Samples, root: Path) -> None:
    """Fit the transforms that learn from the training items.

    Raises:
        DataError: no training item has a modality that a transform must learn from.
    """
    for modality, pipeline in pipelines.items():
        if not pipeline.transform.learns:
            continue
        learned = corpus(samples, root, modality, pipeline)
        # One item is read ahead, because a transform that is fitted on nothing would fail with a message of its own.
        first = next(learned, None)
        if first is None:
            raise DataError(
                f"no training item has {modality}, so its transform has nothing to learn from; "
                f"drop it with --set encoder_{modality}=none or name other splits in data.train"
            )
        pipeline.transform.fit(islice(chain([first], learned), FIT_ITEMS))


def build_backbone(config: RunConfig, transforms: Mapping[str, Transform]) -> Backbone:
    """Build encoders, harmonizer and fusion of one width."""
    dim, modalities = config.model.dim, tuple(sorted(config.encoders))
    encoders = {m: _build_encoder(m, config, transforms[m]) for m in modalities}
    share_stacks(encoders, config.model.share)
    with own_weights("fusion"):
        fusion: Fusion = FUSIONS.build(config.fusion, config.plugins, dim=dim, modalities=modalities)
    with own_weights("harmonizer"):
        harmonizer: Harmonizer = HARMONIZERS.build(config.harmonizer, config.plugins, modalities=modalities)
    return Backbone(
        encoders=encoders,
        fusion=fusion,
        harmonizer=harmonizer,
        features=config.model.features,
        readouts=build_readouts(config, encoders),
        descriptors=build_descriptors(config, encoders, transforms),
        vector=config.model.vector,
        common=config.model.common,
        projection=config.model.projection,
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
        asked = config.finetune
        model: Model = Finetuner(backbone=backbone, head=head, label=label, alone=asked.alone, vectors=asked.vectors)
    else:
        model = _build_pretrainer(config, backbone, transforms)
    freeze(model, config.freeze)
    return model


def _build_pretrainer(config: RunConfig, backbone: Backbone, transforms: Mapping[str, Transform]) -> Pretrainer:
    tasks = build_tasks(config, backbone, transforms)
    balancer: Balancer = BALANCERS.build(config.balancer, config.plugins, tasks=tuple(tasks))
    weights = {name: task["weight"] for name, task in config.tasks.items()}
    return Pretrainer(backbone=backbone, tasks=tasks, weights=weights, balancer=balancer)


def build_hooks(config: RunConfig) -> dict[str, Hook]:
    """The hooks of a run by name, in the order of the config."""
    return {name: HOOKS.build(hook, config.plugins) for name, hook in config.hooks.items()}


def build_schedule(config: RunConfig) -> LearningRateSchedule:
    """The schedule of a run: a name alone, or a ``type`` and its arguments."""
    schedule: LearningRateSchedule = SCHEDULES.build(named_part(config.schedule.decay), config.plugins)
    return schedule


def _build_encoder(modality: str, config: RunConfig, transform: Transform) -> Encoder:
    """Build an encoder and check that its sizes agree with its transform."""
    given, facts = config.encoders[modality], transform.provides()
    problems = []
    for key, fact in facts.items():
        if key in given and given[key] != fact:
            wrong = f"{given[key]!r} does not fit input_{modality}, which provides {fact!r}; leave it out"
            problems.append(f"encoder_{modality}.{key}: {wrong}")
    if problems:
        raise ConfigError(problems)
    with own_weights(f"encoder_{modality}"):
        encoder: Encoder = ENCODERS.build(given, config.plugins, dim=config.model.dim, **facts)
    if encoder.dim != config.model.dim:
        raise ConfigError(
            [f"encoder_{modality}.dim: {encoder.dim} is not the common width model.dim={config.model.dim}"]
        )
    return encoder


def _build_head(
    config: RunConfig,
    backbone: Backbone,
    classes: Mapping[str, Sequence[str]],
    class_counts: Sequence[int] | None,
) -> tuple[str, Head]:
    """The head and the label that it learns."""
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
    with own_weights("head"):
        head: Head = HEADS.build(config.head, config.plugins, **facts)
    return label, head
