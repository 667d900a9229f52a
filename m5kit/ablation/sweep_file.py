"""Reads a sweep file, and names everything that is wrong with it at once."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from m5kit.ablation.sweep import (
    LIST,
    MAPPING,
    MOST,
    WORD,
    BasedVariant,
    ModalitySubset,
    Sweep,
    SweepSection,
    TrialBudget,
    count_variants,
    values_of,
    variants,
)
from m5kit.config.parts import describe, own_problems
from m5kit.config.reader import read_data
from m5kit.errors import ConfigError
from m5kit.signatures import suggestion

KINDS = ("bool", "int", "float", "str")
"""What a value of ``vary`` may be, as pydantic names it in the place of a mistake."""


def read_sweep(path: Path) -> Sweep:
    """Read and check a sweep file.

    Raises:
        ConfigError: it cannot be read, or has mistakes; all of them at once.
    """
    try:
        given = read_data(path)
    except ConfigError as error:
        raise ConfigError(_prefixed(f"{path}: cannot be read as a sweep", error.problems)) from error
    if not isinstance(given, dict):
        raise ConfigError([f"{path}: expected a mapping with the keys {', '.join(Sweep.model_fields)}"])
    try:
        sweep = Sweep.model_validate(_frozen(given))
    except ValidationError as error:
        # a value that is none of the kinds of a union is reported once for each kind
        told = dict.fromkeys(map(_sentence, own_problems(error)))
        raise ConfigError(_prefixed(str(path), told)) from error
    problems = _problems(sweep)
    if problems:
        raise ConfigError(_prefixed(str(path), problems))
    return _located(sweep, path.parent)


def _prefixed(prefix: str, problems: Iterable[str]) -> list[str]:
    return [f"{prefix}: {problem}" for problem in problems]


def _problems(sweep: Sweep) -> list[str]:
    """What pydantic cannot see: mistakes between keys."""
    found: list[str] = []
    if sweep.mode != "list":
        found += _based_values(sweep)
    if found:
        return found  # what follows takes the entries for lists of values
    for metric in sweep.metrics:
        if "/" not in metric:
            found.append(f"metrics: expected TASK/METRIC, got {metric!r}")
    if (count := count_variants(sweep)) > MOST:
        return [*found, f"vary: asks for {count:,} variants; at most {MOST:,} can be compared, so name fewer values"]
    names = [variant.name for variant in variants(sweep)]
    if not names:
        found.append("vary: there is nothing to vary")
    if sweep.mode != "list":
        found += _without_values(sweep)
    if sweep.reference is not None and sweep.reference not in names:
        hint = _nearest(sweep.reference, names)
        found.append(f"reference: no variant is called {sweep.reference!r}; {hint}")
    return found + _repetitions(sweep)


def _based_values(sweep: Sweep) -> Iterator[str]:
    for key, entry in sweep.vary.items():
        if isinstance(entry, BasedVariant):
            yield f"vary.{key}: only mode: list has variants with a base; here it is a list of values"


def _without_values(sweep: Sweep) -> Iterator[str]:
    for key, entry in sweep.vary.items():
        if not values_of(entry):
            yield f"vary.{key}: there are no values"


def _repetitions(sweep: Sweep) -> list[str]:
    listed: dict[str, Sequence[Any]] = {"seeds": sweep.seeds, "metrics": sweep.metrics}
    if not isinstance(sweep.evaluate, str):
        listed["evaluate"] = sweep.evaluate
    return [f"{key}: something is in it twice" for key, values in listed.items() if len(set(values)) < len(values)]


def _located(sweep: Sweep, folder: Path) -> Sweep:
    """Bases that lie beside the sweep file, by their paths."""
    vary = {}
    for name, entry in sweep.vary.items():
        if isinstance(entry, BasedVariant) and entry.base is not None:
            entry = entry.model_copy(update={"base": _place(entry.base, folder)})
        vary[name] = entry
    return sweep.model_copy(update={"base": _place(sweep.base, folder), "vary": vary})


def _place(base: str, folder: Path) -> str:
    local = folder / base
    # os.path: a name that no file system can hold is no file, where Path.is_file() raises
    return str(local.resolve()) if os.path.isfile(local) else base


def _frozen(value: Any) -> Any:
    """Lists as tuples: strict checking takes one for the other only from JSON."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _sentence(problem: Any) -> str:
    # pydantic puts the form of a union into the place; a reader looks for keys alone
    where = ".".join(str(step) for step in problem["loc"] if step not in (LIST, MAPPING, WORD, *KINDS))
    if problem["type"] == "extra_forbidden":
        fields = _fields(problem["loc"])
        return f"{where}: unknown key; {_nearest(str(problem['loc'][-1]), fields)}"
    if problem["type"] == "tuple_type":
        return f"{where}: expected a list, got {problem['input']!r}"
    if problem["type"] == "missing":
        return f"{where}: field required"
    if problem["loc"][-1] in KINDS:
        return f"{where}: expected a text, a finite number, or true or false, got {problem['input']!r}"
    return f"{where}: {describe(problem)}"


def _fields(place: Sequence[Any]) -> Sequence[str]:
    """The keys of the section in which a key was unknown."""
    sections: Mapping[str, type[SweepSection]] = {
        "budget": TrialBudget,
        "evaluate": ModalitySubset,
        "vary": BasedVariant,
    }
    return tuple((Sweep if len(place) == 1 else sections[place[0]]).model_fields)


def _nearest(name: str, known: Sequence[str]) -> str:
    return suggestion(name, known) or f"there are: {', '.join(known)}"
