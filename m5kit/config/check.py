"""Checks a whole config before anything heavy is built, and reports every mistake at once."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from m5kit.config.combination import combination_problems
from m5kit.config.load import Resolved
from m5kit.config.parts import (
    NOT_UNICODE,
    Problem,
    describe,
    find_parts,
    given_problem,
    is_unicode,
    own_problems,
    part_problems,
)
from m5kit.config.run_config import RunConfig, build_run_config, by_name, read_section
from m5kit.config.sections import (
    FAMILIES_BY_KEY,
    PARTS,
    SCALARS,
    SECTIONS,
    TABLES,
    is_known,
)
from m5kit.errors import ConfigError, M5KitError
from m5kit.plugins import PluginScope
from m5kit.registry import DECODERS
from m5kit.signatures import hint


def check_config(resolved: Resolved) -> RunConfig:
    """Check a config against the schema of its sections, the constructors of its parts, and for contradictions.

    Imports the modules of the parts that the config names, and no others.

    Raises:
        ConfigError: every mistake, with its file and line, the key, what was given and what was expected.
    """
    values, scope = resolved.values, resolved.plugins
    problems = value_problems(values, scope)
    for problem in combination_problems(values, scope):
        if problem not in problems:
            problems.append(problem)
    # all at once: whoever edits a config wants to fix every mistake before the next try
    if problems:
        raise ConfigError([_located(key, text, resolved) for key, text in problems])
    return build_run_config(values, scope)


def _located(key: str, text: str, resolved: Resolved) -> str:
    """The sentence about a mistake, with the place where the value was written."""
    return f"{origin_of(key, resolved.origins, resolved.source)}: {key}: {text}"


def value_problems(values: Mapping[str, Any], scope: PluginScope, whole: bool = True) -> list[Problem]:
    """Mistakes that a value shows by itself, whatever the rest of the config says.

    Args:
        values: of a config, or of a piece.
        scope: the plugins that the parts may come from.
        whole: whether a missing argument is a mistake; the config that picks a piece may still set it.
    """
    problems = [*_key_problems(values), *_section_problems(values), *_weight_problems(values)]
    problems += _input_problems(values, scope)
    for part in find_parts(values):
        problems += part_problems(part, scope, whole)
    return list(dict.fromkeys(problems))  # two checks may find the same mistake


def origin_of(key: str, origins: Mapping[str, str], otherwise: str) -> str:
    """Where ``key``, or the closest thing around it, was written."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return otherwise


def _key_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Top-level keys that do not exist, or do not hold what they should."""
    known = [*SECTIONS, *SCALARS, *PARTS, *TABLES, *(f"{family}_*" for family in FAMILIES_BY_KEY)]
    known += filter(is_known, values)  # so that a misspelt modality is compared with those of the config
    for key, value in values.items():
        if not is_known(key):
            yield key, f"unknown key; {hint(key, known)}"
        elif key in SCALARS and (problem := given_problem(SCALARS[key], value)):
            yield key, problem
        elif key in TABLES and not isinstance(value, Mapping):
            yield key, f"expected {TABLES[key]} by name, got {value!r}"


def _section_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What the schema of each section finds wrong."""
    for key, section in SECTIONS.items():
        if key not in values:
            continue
        given = values[key].items() if isinstance(values[key], Mapping) else ()
        strange = [f"{key}.{name}" for name, value in given if not is_unicode(value)]
        yield from ((name, NOT_UNICODE) for name in strange)
        if strange:
            continue
        try:
            read_section(section, values[key])
        except ValidationError as error:
            for problem in own_problems(error):
                # only the first step of the place: deeper ones are pydantic's names for parts of a type
                where = ".".join([key, *map(str, problem["loc"][:1])])
                if problem["type"] == "extra_forbidden":
                    yield where, f"unknown key; {hint(str(problem['loc'][-1]), section.model_fields)}"
                else:
                    yield where, describe(problem)


def _input_problems(values: Mapping[str, Any], scope: PluginScope) -> Iterator[Problem]:
    """Mistakes of ``input_*`` beside those of its decoder and transform, which are parts."""
    closed = ["decoder", "transform", "source", "join", "several", "cache", "keep"]
    for modality, given in by_name(values, "input_").items():
        key = f"input_{modality}"
        if not isinstance(given, Mapping):
            yield key, f"expected decoder and transform, got {given!r}"
            continue
        for name in given:
            if name not in closed:
                yield f"{key}.{name}", f"unknown key; {hint(name, closed)}"
        if not isinstance(given.get("source", ""), str):
            yield f"{key}.source", f"expected the name of a column of the manifest, got {given['source']!r}"
        if given.get("several", "all") not in ("all", "first"):
            yield f"{key}.several", f"expected all or first, got {given['several']!r}"
        for name in ("cache", "keep"):  # keep is the older name of cache
            if not isinstance(given.get(name, False), bool):
                yield f"{key}.{name}", f"expected true or false, got {given[name]!r}"
        yield from _join_problems(key, given, scope)


def _join_problems(key: str, given: Mapping[str, Any], scope: PluginScope) -> Iterator[Problem]:
    """``join`` needs a decoder that reads several columns, and such a decoder needs ``join``."""
    joins, join = _reads_several(given.get("decoder"), scope), given.get("join")
    if join is None:
        if joins:
            yield f"{key}.join", "is missing; the decoder reads several columns, as in join: [text, table]"
        return
    if not _is_list_of_columns(join):
        yield f"{key}.join", f"expected names of columns of the manifest, each once, got {join!r}"
    if "source" in given:
        yield f"{key}.source", "has no use beside join; list the column there"
    if not joins:
        yield f"{key}.join", "the decoder reads one column; take one that joins them, such as joined_text"


def _is_list_of_columns(join: Any) -> bool:
    """Whether ``join`` lists names of columns, each once."""
    if not isinstance(join, list) or not join:
        return False
    return all(isinstance(name, str) and name for name in join) and len(set(join)) == len(join)


def _reads_several(decoder: Any, scope: PluginScope) -> bool:
    """Whether the decoder's class says that it joins columns."""
    name = decoder.get("type") if isinstance(decoder, Mapping) else None
    try:
        return isinstance(name, str) and getattr(DECODERS.get(name, scope), "joins", False)
    except M5KitError:  # find_parts reports it
        return False


def _weight_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Weights of tasks that are not finite numbers of 0 or more; a bool is a number in Python."""
    for name, task in by_name(values, "task_").items():
        weight = task.get("weight", 1.0) if isinstance(task, Mapping) else 1.0
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            yield f"task_{name}.weight", f"expected a number that is not negative, got {weight!r}"
