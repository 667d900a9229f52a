"""Checks a whole config before anything heavy is built, and reports every mistake at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from m5kit.config.combination import combination_problems
from m5kit.config.load import Resolved
from m5kit.config.parts import Problem, describe, find_parts, given_problem, nearest, part_problems
from m5kit.config.sections import (
    FAMILIES_BY_KEY,
    PARTS,
    SCALARS,
    SECTIONS,
    TABLES,
    Checkpoint,
    Data,
    Init,
    Logging,
    Model,
    Schedule,
    Section,
    Weighting,
    is_known,
)
from m5kit.errors import ConfigError, M5KitError
from m5kit.registry import DECODERS

SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """A config without mistakes: typed sections, and the parts as plain mappings that a registry can build.

    Attributes:
        inputs: by modality, ``decoder`` and ``transform``, and ``source`` if the manifest's column has another name.
        encoders: by modality.
        tasks: by name; ``weight`` is among the keys and is not the constructor's.
        balancer: ``fixed`` if the config names none.
        head: None in pretraining.
        optimizer: ``adamw`` if the config names none.
        hooks: by name.
        evaluation: metrics by name.
    """

    name: str
    mode: Literal["pretrain", "finetune"]
    seed: int
    data: Data
    model: Model
    weighting: Weighting
    schedule: Schedule
    checkpoint: Checkpoint
    logging: Logging
    init: Init
    inputs: Mapping[str, Mapping[str, Any]]
    encoders: Mapping[str, Mapping[str, Any]]
    fusion: Mapping[str, Any]
    harmonizer: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    balancer: Mapping[str, Any]
    head: Mapping[str, Any] | None
    optimizer: Mapping[str, Any]
    hooks: Mapping[str, Mapping[str, Any]]
    evaluation: Mapping[str, Mapping[str, Any]]


def check_config(resolved: Resolved) -> RunConfig:
    """Hold a config against the sections' schema, the constructors of its parts, and itself.

    Imports the modules of the parts that the config names, and no others.

    Raises:
        ConfigError: every mistake: where it was written, the key, what was given, what was expected.
    """
    values = resolved.values
    problems = [*_key_problems(values), *_section_problems(values), *_input_problems(values), *_weight_problems(values)]
    for part in find_parts(values):
        problems += part_problems(part)
    problems += combination_problems(values)
    if problems:
        raise ConfigError([f"{_origin(key, resolved)}: {key}: {text}" for key, text in dict.fromkeys(problems)])
    return _typed(values)


def _typed(values: Mapping[str, Any]) -> RunConfig:
    return RunConfig(
        name=values["name"],
        mode=values["mode"],
        seed=values["seed"],
        data=_section(Data, values["data"]),
        model=_section(Model, values["model"]),
        weighting=_section(Weighting, values["weighting"]),
        schedule=_section(Schedule, values["schedule"]),
        checkpoint=_section(Checkpoint, values["checkpoint"]),
        logging=_section(Logging, values["logging"]),
        init=_section(Init, values["init"]),
        inputs=_by_name(values, "input_"),
        encoders=_by_name(values, "encoder_"),
        fusion=values["fusion"],
        harmonizer=values["harmonizer"],
        tasks={name: {"weight": 1.0, **task} for name, task in _by_name(values, "task_").items()},
        balancer=values.get("balancer", {"type": "fixed"}),
        head=values.get("head"),
        optimizer=values.get("optimizer", {"type": "adamw"}),
        hooks=values.get("hooks", {}),
        evaluation=values.get("evaluation", {}),
    )


def _section(section: type[SectionType], given: Any) -> SectionType:
    return section.model_validate_json(json.dumps(given))  # JSON: a strict tuple may be written as a list


def _by_name(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _key_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    known = [*SECTIONS, *SCALARS, *PARTS, *TABLES, *values, *(f"{family}_*" for family in FAMILIES_BY_KEY)]
    for key, value in values.items():
        if not is_known(key):
            yield key, f"unknown key; {nearest(key, [other for other in known if other != key])}"
        elif key in SCALARS and (problem := given_problem(SCALARS[key], value)):
            yield key, problem
        elif key in TABLES and not isinstance(value, Mapping):
            yield key, f"expected {TABLES[key]} by name, got {value!r}"


def _section_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    for key, section in SECTIONS.items():
        try:
            _section(section, values[key])
        except ValidationError as error:
            for problem in error.errors():
                where = ".".join([key, *(str(step) for step in problem["loc"][:1])])
                unknown = problem["type"] == "extra_forbidden"
                hint = nearest(str(problem["loc"][-1]), list(section.model_fields)) if unknown else ""
                yield where, f"unknown key; {hint}" if unknown else describe(problem)


def _input_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    closed = ["decoder", "transform", "source", "join", "keep"]
    for modality, given in _by_name(values, "input_").items():
        key = f"input_{modality}"
        if not isinstance(given, Mapping):
            yield key, f"expected decoder and transform, got {given!r}"
            continue
        yield from ((f"{key}.{name}", f"unknown key; {nearest(name, closed)}") for name in given if name not in closed)
        if not isinstance(given.get("source", ""), str):
            yield f"{key}.source", f"expected the name of a column of the manifest, got {given['source']!r}"
        if not isinstance(given.get("keep", False), bool):
            yield f"{key}.keep", f"expected true or false, got {given['keep']!r}"
        yield from _join_problems(key, given)


def _join_problems(key: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    """Several columns need a decoder that reads several, and such a decoder needs to know which."""
    joins, join = _reads_several(given.get("decoder")), given.get("join")
    if join is None:
        if joins:
            yield f"{key}.join", "is missing; the decoder reads several columns, as in join: [text, table]"
        return
    names = join if isinstance(join, list) else []
    if not names or not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        yield f"{key}.join", f"expected names of columns of the manifest, each once, got {join!r}"
    if "source" in given:
        yield f"{key}.source", "has no use beside join; list the column there"
    if not joins:
        yield f"{key}.join", "the decoder reads one column; take one that joins them, such as joined_text"


def _reads_several(decoder: Any) -> bool:
    name = decoder.get("type") if isinstance(decoder, Mapping) else None
    try:
        return isinstance(name, str) and getattr(DECODERS.get(name), "joins", False)
    except M5KitError:  # reported where the part is looked at
        return False


def _weight_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, task in _by_name(values, "task_").items():
        weight = task.get("weight", 1.0) if isinstance(task, Mapping) else 1.0
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            yield f"task_{name}.weight", f"expected a number that is not negative, got {weight!r}"


def _origin(key: str, resolved: Resolved) -> str:
    """Where ``key``, or the closest thing around it, was written."""
    while key:
        if key in resolved.origins:
            return resolved.origins[key]
        key = key.rpartition(".")[0]
    return resolved.source
