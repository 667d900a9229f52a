"""Checks a whole config before anything heavy is built, and reports every mistake at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from m5kit.config.combination import combination_problems
from m5kit.config.load import Resolved
from m5kit.config.parts import Problem, describe, find_parts, given_problem, part_problems
from m5kit.config.sections import (
    FAMILIES_BY_KEY,
    PARTS,
    SCALARS,
    SECTIONS,
    TABLES,
    Checkpoint,
    Data,
    Finetune,
    Init,
    Logging,
    Model,
    Schedule,
    Section,
    Weighting,
    is_known,
)
from m5kit.errors import ConfigError, M5KitError
from m5kit.plugins import PluginScope, current_scope
from m5kit.registry import DECODERS
from m5kit.signatures import hint

SectionType = TypeVar("SectionType", bound=Section)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """A config without mistakes: typed sections, and the parts as plain mappings that a registry can build.

    Attributes:
        freeze: names of the parts that do not learn, as the config's keys.
        rates: factors of the learning rate, by such names.
        inputs: by modality, ``decoder`` and ``transform``, and ``source`` if the manifest's column has another name.
        encoders: by modality.
        tasks: by name; ``weight`` is among the keys and is not the constructor's.
        balancer: ``fixed`` if the config names none.
        head: None in pretraining.
        optimizer: ``adamw`` if the config names none.
        hooks: by name.
        evaluation: metrics by name.
        plugins: which the parts may come from; whoever builds one hands it to the registry.
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
    finetune: Finetune
    freeze: tuple[str, ...]
    rates: Mapping[str, float]
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
    plugins: PluginScope = field(default_factory=current_scope)


def check_config(resolved: Resolved) -> RunConfig:
    """Hold a config against the sections' schema, the constructors of its parts, and itself.

    Imports the modules of the parts that the config names, and no others.

    Raises:
        ConfigError: every mistake: where it was written, the key, what was given, what was expected.
    """
    values, scope = resolved.values, resolved.plugins
    problems = value_problems(values, scope)
    problems += [problem for problem in combination_problems(values, scope) if problem not in problems]
    if problems:
        raise ConfigError([_located(key, text, resolved) for key, text in problems])
    return _typed(values, scope)


def _located(key: str, text: str, resolved: Resolved) -> str:
    return f"{origin_of(key, resolved.origins, resolved.source)}: {key}: {text}"


def value_problems(values: Mapping[str, Any], scope: PluginScope, whole: bool = True) -> list[Problem]:
    """Mistakes that show without a look at the rest of the config.

    Args:
        values: of a config, or of a piece.
        scope: the plugins that the parts may come from.
        whole: whether an argument that is needed and not there is a mistake; in a piece, a config may still set it.
    """
    problems = [*_key_problems(values), *_section_problems(values), *_weight_problems(values)]
    problems += _input_problems(values, scope)
    for part in find_parts(values):
        problems += part_problems(part, scope, whole)
    return list(dict.fromkeys(problems))  # one mistake may show in two ways


def origin_of(key: str, origins: Mapping[str, str], otherwise: str) -> str:
    """Where ``key``, or the closest thing around it, was written."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return otherwise


def _typed(values: Mapping[str, Any], scope: PluginScope) -> RunConfig:
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
        finetune=_section(Finetune, values["finetune"]),
        freeze=tuple(values["freeze"]),
        rates=values["rates"],
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
        plugins=scope,
    )


def _section(section: type[SectionType], given: Any) -> SectionType:
    return section.model_validate_json(json.dumps(given))  # JSON: a strict tuple may be written as a list


def _by_name(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def _key_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    known = [*SECTIONS, *SCALARS, *PARTS, *TABLES, *(f"{family}_*" for family in FAMILIES_BY_KEY)]
    known += filter(is_known, values)
    for key, value in values.items():
        if not is_known(key):
            yield key, f"unknown key; {hint(key, known)}"
        elif key in SCALARS and (problem := given_problem(SCALARS[key], value)):
            yield key, problem
        elif key in TABLES and not isinstance(value, Mapping):
            yield key, f"expected {TABLES[key]} by name, got {value!r}"


def _section_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    for key, section in SECTIONS.items():
        if key not in values:
            continue
        try:
            _section(section, values[key])
        except ValidationError as error:
            for problem in error.errors():
                where = ".".join([key, *map(str, problem["loc"][:1])])
                if problem["type"] == "extra_forbidden":
                    yield where, f"unknown key; {hint(str(problem['loc'][-1]), section.model_fields)}"
                else:
                    yield where, describe(problem)


def _input_problems(values: Mapping[str, Any], scope: PluginScope) -> Iterator[Problem]:
    closed = ["decoder", "transform", "source", "join", "cache", "keep"]
    for modality, given in _by_name(values, "input_").items():
        key = f"input_{modality}"
        if not isinstance(given, Mapping):
            yield key, f"expected decoder and transform, got {given!r}"
            continue
        for name in given:
            if name not in closed:
                yield f"{key}.{name}", f"unknown key; {hint(name, closed)}"
        if not isinstance(given.get("source", ""), str):
            yield f"{key}.source", f"expected the name of a column of the manifest, got {given['source']!r}"
        for name in ("cache", "keep"):  # keep is the older name of cache
            if not isinstance(given.get(name, False), bool):
                yield f"{key}.{name}", f"expected true or false, got {given[name]!r}"
        yield from _join_problems(key, given, scope)


def _join_problems(key: str, given: Mapping[str, Any], scope: PluginScope) -> Iterator[Problem]:
    """Several columns need a decoder that reads several, and such a decoder needs to know which."""
    joins, join = _reads_several(given.get("decoder"), scope), given.get("join")
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


def _reads_several(decoder: Any, scope: PluginScope) -> bool:
    name = decoder.get("type") if isinstance(decoder, Mapping) else None
    try:
        return isinstance(name, str) and getattr(DECODERS.get(name, scope), "joins", False)
    except M5KitError:  # reported where the part is looked at
        return False


def _weight_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    for name, task in _by_name(values, "task_").items():
        weight = task.get("weight", 1.0) if isinstance(task, Mapping) else 1.0
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            yield f"task_{name}.weight", f"expected a number that is not negative, got {weight!r}"
