"""Finds the registered parts that a config names and checks their arguments against the constructors."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from m5kit.arguments import flat_hints, flat_parameters
from m5kit.config.sections import PARTS, TABLES
from m5kit.errors import M5KitError
from m5kit.plugins import PluginScope
from m5kit.registry import FAMILIES, TRANSFORMS
from m5kit.signatures import hint, is_required

Problem = tuple[str, str]
"""Dotted key, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Part:
    """One mapping with a ``type``.

    Attributes:
        key: its dotted place in the config.
        family: the registry that knows its type.
        given: the value in the config, unchecked.
        fed_by: name of the transform that makes an encoder's inputs; None if the config names none, and in all other
            families.
    """

    key: str
    family: str
    given: Any
    fed_by: str | None = None


def find_parts(values: Mapping[str, Any]) -> Iterator[Part]:
    """Every part of a config, malformed ones included."""
    for key, value in values.items():
        family, _, name = key.partition("_")
        if family == "input" and isinstance(value, Mapping):
            yield Part(f"{key}.decoder", "decoders", value.get("decoder"))
            yield Part(f"{key}.transform", "transforms", value.get("transform"))
        elif key == "data" and isinstance(value, Mapping) and value.get("source") is not None:
            yield Part("data.source", "datasets", value["source"])
        elif key == "schedule" and isinstance(value, Mapping) and "decay" in value:
            yield Part("schedule.decay", "schedules", named_part(value.get("decay")))
        elif family == "encoder":
            yield Part(key, "encoders", value, _transform_of(values.get(f"input_{name}")))
        elif family == "task":
            yield Part(key, "tasks", _without_weight(value))
        elif key in PARTS or family in ("descriptor", "readout"):
            yield Part(key, f"{key if key in PARTS else family}s", value)
        elif key in TABLES and isinstance(value, Mapping):
            for name, part in value.items():
                yield from _parts_of_entry(f"{key}.{name}", TABLES[key], part)


def _parts_of_entry(key: str, family: str, given: Any) -> Iterator[Part]:
    """A part of a table, and the metric inside a metric that runs another one."""
    yield Part(key, family, given)
    if isinstance(given, Mapping) and "task" in given:
        yield Part(f"{key}.task", family, given["task"])


def named_part(given: Any) -> Any:
    """A part that may be given by its name alone.

    Example:
        >>> named_part("cosine")
        {'type': 'cosine'}
    """
    return {"type": given} if isinstance(given, str) else given


def part_problems(part: Part, scope: PluginScope | None = None, whole: bool = True) -> Iterator[Problem]:
    """What keeps ``part`` from being built; imports the module that defines it.

    Args:
        part: of a config.
        scope: the plugins that the config may use; None for the scope at hand.
        whole: whether everything that the constructor needs must be there.
    """
    if not isinstance(part.given, Mapping) or not isinstance(part.given.get("type"), str):
        got = "nothing" if part.given is None else repr(part.given)
        yield part.key, f"expected a mapping with a type (see: m5kit list {part.family}), got {got}"
        return
    try:
        constructor = FAMILIES[part.family].get(part.given["type"], scope)
    except M5KitError as error:
        yield f"{part.key}.type", str(error)
    else:
        # given arguments are checked in a piece too, missing ones in a whole config only
        yield from _given_problems(part, constructor)
        if whole:
            yield from _missing_problems(part, constructor, scope)


def filled_in(constructor: type) -> frozenset[str]:
    """Arguments of a part that m5kit fills in, as its family's contract declares."""
    names: frozenset[str] = getattr(constructor, "filled_in", frozenset())
    return names


NOT_UNICODE = (
    "this name is not UTF-8, and a run writes it down as a text; rename the file or folder, or lead to it by a link "
    "that has another name"
)


def is_unicode(value: Any) -> bool:
    """Whether a text can be written down: the name of a file need not be, as on Linux it is any bytes."""
    return not isinstance(value, str) or not any("\ud800" <= sign <= "\udfff" for sign in value)


def given_problem(annotation: Any, value: Any) -> str | None:
    """Why ``value`` is not of the annotated type; None if it is.

    Example:
        >>> given_problem(int, "fast")
        "expected a valid integer, got 'fast'"
        >>> given_problem(tuple[int, int], [3, 4])
    """
    if not is_unicode(value):
        return NOT_UNICODE
    try:
        _adapter(annotation).validate_json(json.dumps(value))
    except ValidationError as error:
        return " or ".join(dict.fromkeys(describe(problem) for problem in error.errors()))
    return None


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """What checks values of a type; remembered, because making it takes longer than all that it checks."""
    try:
        hash(annotation)
    except TypeError:  # as Annotated[int, [1, 2]] of a plugin
        return _make_adapter(annotation)
    return _adapter_of_type(annotation)


def _make_adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(
            annotation, config=ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)
        )
    except PydanticUserError:  # a pydantic model has a config of its own
        return TypeAdapter(annotation)


_adapter_of_type = lru_cache(maxsize=1024)(_make_adapter)


def own_problems(error: ValidationError) -> Iterator[Any]:
    """What pydantic found, without what only follows from it: of a list it counts the values that are right alone."""
    for problem in error.errors():
        if problem["type"] != "too_short" or not problem["input"]:
            yield problem


def describe(problem: Any) -> str:
    """A problem found by pydantic, as m5kit's messages say it."""
    wanted = problem["msg"].removeprefix("Input should be ").replace("a valid array", "a list")
    if wanted.startswith(("greater", "less")):
        wanted = f"a number {wanted}"
    if problem["type"] == "too_short":
        wanted = f"at least {problem['ctx']['min_length']} value"
    return f"expected {wanted[:1].lower()}{wanted[1:]}, got {problem['input']!r}"


def _given_problems(part: Part, constructor: type) -> Iterator[Problem]:
    """Arguments that the constructor does not take, or not with this value."""
    parameters, hints = flat_parameters(constructor), flat_hints(constructor)
    for key, value in part.given.items():
        if key == "type":
            continue
        if key not in parameters:
            yield f"{part.key}.{key}", f"unknown key; {hint(key, parameters)}"
        elif key in hints and (problem := given_problem(hints[key], value)):
            yield f"{part.key}.{key}", problem


def _missing_problems(part: Part, constructor: type, scope: PluginScope | None) -> Iterator[Problem]:
    """Arguments that the constructor needs and that neither the config nor m5kit gives."""
    known = _known_elsewhere(part, constructor, scope)
    if known is None:
        return
    described = FAMILIES[part.family].described(part.given["type"], scope)
    for name, parameter in flat_parameters(constructor).items():
        if is_required(parameter) and name not in part.given and name not in known:
            yield f"{part.key}.{name}", f"is missing; {described} needs it"


def _known_elsewhere(part: Part, constructor: type, scope: PluginScope | None) -> frozenset[str] | None:
    """Arguments that a config may leave out; None if only building the parts would tell."""
    if part.family != "encoders":
        return filled_in(constructor)
    if part.fed_by is None:
        return None
    try:
        provided: frozenset[str] | None = getattr(TRANSFORMS.get(part.fed_by, scope), "provided", None)
    except M5KitError:  # find_parts reports it
        return None
    return None if provided is None else filled_in(constructor) | provided


def _transform_of(source: Any) -> str | None:
    """The name of the transform of an ``input_*`` section; None if it names none."""
    transform = source.get("transform") if isinstance(source, Mapping) else None
    name = transform.get("type") if isinstance(transform, Mapping) else None
    return name if isinstance(name, str) else None


def _without_weight(task: Any) -> Any:
    """The arguments of a task's constructor: the weight belongs to the model, which adds the losses up."""
    if not isinstance(task, Mapping):
        return task
    arguments = dict(task)
    arguments.pop("weight", None)
    return arguments
