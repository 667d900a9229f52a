"""The registered parts that a config names, and what its constructors say about their arguments."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from m5kit.config.sections import PARTS, TABLES
from m5kit.errors import M5KitError
from m5kit.registry import FAMILIES, TRANSFORMS

INJECTED = frozenset(
    {"dim", "modalities", "features", "classes", "observed", "tasks"}  # known to the model
    | {"vocabulary", "max_tokens", "mask_id", "size", "frames", "mels", "steps"}  # known to a transform
    | {"width", "columns", "rate", "chunk"}
    | {"root", "manifest"}  # known to a dataset
)
"""Arguments that a config may leave out, because other parts know them."""

Problem = tuple[str, str]
"""Dotted key and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Part:
    """One mapping with a ``type``.

    Attributes:
        key: its dotted place in the config.
        family: the registry that knows its type.
        given: what the config says, as it is.
        open: whether a plugin may fill in arguments that m5kit does not know of.
    """

    key: str
    family: str
    given: Any
    open: bool = False


def find_parts(values: Mapping[str, Any]) -> Iterator[Part]:
    """Every part of a config, malformed ones included."""
    for key, value in values.items():
        family, _, name = key.partition("_")
        if family == "input" and isinstance(value, Mapping):
            yield from (Part(f"{key}.{role}", f"{role}s", value.get(role)) for role in ("decoder", "transform"))
        elif key == "data" and isinstance(value, Mapping) and value.get("source") is not None:
            yield Part("data.source", "datasets", value["source"])
        elif key == "schedule" and isinstance(value, Mapping):
            yield Part("schedule.decay", "schedules", named_part(value.get("decay")))
        elif family == "encoder":
            yield Part(key, "encoders", value, _has_plugin_transform(values.get(f"input_{name}")))
        elif family == "task":
            yield Part(key, "tasks", _without_weight(value))
        elif key in PARTS:
            yield Part(key, f"{key}s", value)
        elif key in TABLES and isinstance(value, Mapping):
            yield from (Part(f"{key}.{name}", TABLES[key], part) for name, part in value.items())
            yield from _tasks_within(key, value)


def named_part(given: Any) -> Any:
    """A part that may be given by its name alone.

    Example:
        >>> named_part("cosine")
        {'type': 'cosine'}
    """
    return {"type": given} if isinstance(given, str) else given


def _tasks_within(key: str, table: Mapping[str, Any]) -> Iterator[Part]:
    """The tasks inside of metrics that run another one."""
    inner = {name: part["task"] for name, part in table.items() if isinstance(part, Mapping) and "task" in part}
    yield from (Part(f"{key}.{name}.task", "metrics", task) for name, task in inner.items())


def part_problems(part: Part) -> Iterator[Problem]:
    """What keeps ``part`` from being built; imports the module that defines it."""
    if not isinstance(part.given, Mapping) or not isinstance(part.given.get("type"), str):
        got = "nothing" if part.given is None else repr(part.given)
        yield part.key, f"expected a mapping with a type (see: m5kit list {part.family}), got {got}"
        return
    try:
        constructor = FAMILIES[part.family].get(part.given["type"])
    except M5KitError as error:
        yield f"{part.key}.type", str(error)
    else:
        yield from _argument_problems(part, constructor)


def arguments_of(part: type) -> dict[str, Parameter]:
    """What a constructor takes by name; empty for a module without a constructor of its own."""
    takes_rest = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return {name: each for name, each in signature(part).parameters.items() if each.kind not in takes_rest}


def given_problem(annotation: Any, value: Any) -> str | None:
    """Why ``value`` is not of the annotated type; None if it is, or if the type is beyond YAML.

    Example:
        >>> given_problem(int, "fast")
        "expected a valid integer, got 'fast'"
        >>> given_problem(tuple[int, int], [3, 4])
    """
    try:
        adapter = TypeAdapter(annotation, config=ConfigDict(strict=True, arbitrary_types_allowed=True))
    except PydanticUserError:  # a type that forbids a config of ours brings its own rules
        adapter = TypeAdapter(annotation)
    try:
        adapter.validate_json(json.dumps(value))
    except ValidationError as error:
        return " or ".join(dict.fromkeys(describe(problem) for problem in error.errors()))
    return None


def describe(problem: Any) -> str:
    """One of pydantic's problems in m5kit's words."""
    wanted = problem["msg"].removeprefix("Input should be ").replace("a valid array", "a list")
    return f"expected {wanted[:1].lower()}{wanted[1:]}, got {problem['input']!r}"


def nearest(key: str, known: Mapping[str, Any] | list[str]) -> str:
    """A hint that follows ``unknown key``."""
    near = get_close_matches(key, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known) or 'nothing'}"


def _argument_problems(part: Part, constructor: type) -> Iterator[Problem]:
    parameters, hints = arguments_of(constructor), _type_hints(constructor)
    given = {key: value for key, value in part.given.items() if key != "type"}
    described = FAMILIES[part.family].described(part.given["type"])
    for key, value in given.items():
        if key not in parameters:
            yield f"{part.key}.{key}", f"unknown key; {nearest(key, parameters)}"
        elif key in hints and (problem := given_problem(hints[key], value)):
            yield f"{part.key}.{key}", problem
    for name, parameter in parameters.items():
        if parameter.default is Parameter.empty and name not in given and name not in INJECTED and not part.open:
            yield f"{part.key}.{name}", f"is missing; {described} needs it"


def _type_hints(constructor: type) -> dict[str, Any]:
    try:
        return get_type_hints(constructor.__init__)  # type: ignore[misc]  # the class is the one that is built
    except NameError:  # a plugin imports a type for checkers only; its values are then the constructor's business
        return {}


def _has_plugin_transform(source: Any) -> bool:
    transform = source.get("transform") if isinstance(source, Mapping) else None
    name = transform.get("type") if isinstance(transform, Mapping) else None
    return isinstance(name, str) and name not in TRANSFORMS.built_ins


def _without_weight(task: Any) -> Any:
    return {key: value for key, value in task.items() if key != "weight"} if isinstance(task, Mapping) else task
