"""A checked config as objects: what all later rooms read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from m5kit.config.section import Section
from m5kit.config.sections import (
    Checkpoint,
    Data,
    Finetune,
    Init,
    Logging,
    ModelSection,
    Parallel,
    Schedule,
    Validation,
    Weighting,
)
from m5kit.plugins import PluginScope, current_scope

SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """A checked config: typed sections, and the parts as plain mappings that a registry can build.

    Attributes:
        freeze: names of the parts that do not learn, as the config's keys.
        rates: factors of the learning rate, by such names.
        inputs: by modality, ``decoder`` and ``transform``, and ``source`` if the manifest's column has another name.
        encoders: by modality.
        descriptors: by modality; only those that have one.
        readouts: by modality; the others are read by their summary.
        tasks: by name; ``weight`` is among the keys and is not the constructor's.
        balancer: ``fixed`` if the config names none.
        head: None in pretraining.
        optimizer: ``adamw`` if the config names none.
        hooks: by name.
        evaluation: metrics by name.
        plugins: the scope that the parts may come from; it is given to the registry with every part that is built.
    """

    name: str
    mode: Literal["pretrain", "finetune"]
    seed: int
    data: Data
    model: ModelSection
    weighting: Weighting
    schedule: Schedule
    checkpoint: Checkpoint
    parallel: Parallel
    logging: Logging
    validation: Validation
    init: Init
    finetune: Finetune
    freeze: tuple[str, ...]
    rates: Mapping[str, float]
    inputs: Mapping[str, Mapping[str, Any]]
    encoders: Mapping[str, Mapping[str, Any]]
    descriptors: Mapping[str, Mapping[str, Any]]
    readouts: Mapping[str, Mapping[str, Any]]
    fusion: Mapping[str, Any]
    harmonizer: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    balancer: Mapping[str, Any]
    head: Mapping[str, Any] | None
    optimizer: Mapping[str, Any]
    hooks: Mapping[str, Mapping[str, Any]]
    evaluation: Mapping[str, Mapping[str, Any]]
    plugins: PluginScope = field(default_factory=current_scope)


def build_run_config(values: Mapping[str, Any], scope: PluginScope) -> RunConfig:
    """The config with its sections as objects and with its defaults."""
    return RunConfig(
        name=values["name"],
        mode=values["mode"],
        seed=values["seed"],
        data=read_section(Data, values["data"]),
        model=read_section(ModelSection, values["model"]),
        weighting=read_section(Weighting, values["weighting"]),
        schedule=read_section(Schedule, values["schedule"]),
        checkpoint=read_section(Checkpoint, values["checkpoint"]),
        parallel=read_section(Parallel, values["parallel"]),
        logging=read_section(Logging, values["logging"]),
        validation=read_section(Validation, values["validation"]),
        init=read_section(Init, values["init"]),
        finetune=read_section(Finetune, values["finetune"]),
        freeze=tuple(values["freeze"]),
        rates=values["rates"],
        inputs=by_name(values, "input_"),
        encoders=by_name(values, "encoder_"),
        descriptors=by_name(values, "descriptor_"),
        readouts=by_name(values, "readout_"),
        fusion=values["fusion"],
        harmonizer=values["harmonizer"],
        tasks={name: {"weight": 1.0, **task} for name, task in by_name(values, "task_").items()},
        balancer=values.get("balancer", {"type": "fixed"}),
        head=values.get("head"),
        optimizer=values.get("optimizer", {"type": "adamw"}),
        hooks=values.get("hooks", {}),
        evaluation=values.get("evaluation", {}),
        plugins=scope,
    )


def read_section(section: type[SectionType], given: Any) -> SectionType:
    """A section as an object.

    Raises:
        ValidationError: a key or a value is wrong.
    """
    return section.model_validate_json(json.dumps(given))  # through JSON, which lets a strict tuple be a list


def by_name(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The values of a family, ``input_``, ``encoder_`` or ``task_``, by modality or name."""
    found = {}
    for key, value in values.items():
        if key.startswith(prefix):
            found[key.removeprefix(prefix)] = value
    return found
