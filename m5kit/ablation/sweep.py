"""What a sweep file says: the base config, what varies, the seeds, the budget, the figures."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from m5kit.errors import ConfigError

BASE = "base"
"""Name of the variant that changes nothing."""

Scalar = bool | int | float | str
Positive = Annotated[float, Field(gt=0)]


_WORDS, _CHOICE, _WORD = "a list", "a mapping", "a word"
"""The forms that a key may have, as pydantic names them in the place of a mistake."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Budget(_Section):
    """What one trial may use."""

    seconds: Positive | None = None
    """After so long it is stopped and counts as failed; empty for no limit."""
    threads: Annotated[int, Field(gt=0)] = 1
    """Of the CPU; part of the sweep because the last bits of a sum depend on it."""


class Choice(_Section):
    """A variant of a ``list`` that may start from a config of its own."""

    base: str | None = None
    """As the sweep's; empty for that."""
    set: tuple[str, ...] = ()
    """Its ``KEY=VALUE`` changes."""


class View(_Section):
    """One more evaluation of every trained run."""

    modalities: tuple[str, ...] = Field(min_length=1)
    """What the model may see."""

    @property
    def name(self) -> str:
        """As the report shows it."""
        return "+".join(self.modalities)


Entry = Annotated[
    Annotated[tuple[Scalar, ...], Tag(_WORDS)] | Annotated[Choice, Tag(_CHOICE)],
    Discriminator(lambda given: _CHOICE if isinstance(given, Mapping | Choice) else _WORDS),
]
"""What ``vary`` says of one key or of one variant."""

Views = Annotated[
    Annotated[tuple[View, ...], Tag(_WORDS)] | Annotated[Literal["all_subsets"], Tag(_WORD)],
    Discriminator(lambda given: _WORD if isinstance(given, str) else _WORDS),
]
"""What ``evaluate`` says."""


class Sweep(_Section):
    """A checked sweep file."""

    about: str = ""
    """One sentence above the report."""
    base: str
    """Name or path of the config that every trial starts from; a path is relative to the sweep file."""
    set: tuple[str, ...] = ()
    """``KEY=VALUE`` changes of every trial."""
    mode: Literal["grid", "one_factor", "list"] = "one_factor"
    """``grid``: every combination of values; ``one_factor``: the base, then one value changed at a time;
    ``list``: each entry of ``vary`` is one variant."""
    vary: Mapping[str, Entry]
    """Values by key; in a ``list``, the ``KEY=VALUE`` changes of each variant by its name, or also its base."""
    reference: str | None = None
    """The variant that others are compared with; empty for the base or, without one, the first."""
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(0, 1, 2, 3, 4), min_length=1)
    evaluate: Views = ()
    """Further evaluations of every run; ``all_subsets`` is one for every choice of its modalities."""
    budget: Budget = Budget()
    figures: tuple[str, ...] = Field(min_length=1)
    """``TASK/FIGURE`` as in ``results.json``; the first is the one that plots show."""
    interval: Literal["student", "bootstrap"] = "student"
    test: Literal["permutation", "t"] = "permutation"
    cluster: Mapping[str, Scalar] = {}
    """For ``--engine submitit``: ``executor`` and its parameters, such as ``slurm_partition``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One combination of choices, to be trained once a seed.

    Attributes:
        name: as the report shows it.
        overrides: ``KEY=VALUE`` each.
        base: the config that it starts from; None for that of the sweep.
    """

    name: str
    overrides: tuple[str, ...]
    base: str | None = None


def read_sweep(path: Path) -> Sweep:
    """Read and check a sweep file.

    Raises:
        ConfigError: it cannot be read, or has mistakes; all of them at once.
    """
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError([f"{path}: cannot be read as a sweep: {error}"]) from error
    if not isinstance(given, dict):
        raise ConfigError([f"{path}: expected a mapping with the keys {', '.join(Sweep.model_fields)}"])
    try:
        sweep = Sweep.model_validate(_frozen(given))
    except ValidationError as error:
        raise ConfigError([f"{path}: {_sentence(problem)}" for problem in error.errors()]) from error
    problems = _problems(sweep)
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return _located(sweep, path.parent)


def variants(sweep: Sweep) -> list[Variant]:
    """Every combination that the sweep asks for, in the order of the file; the base first where there is one.

    Example:
        >>> vary = {"fusion": ("gated",), "model.dim": (8, 16)}
        >>> [variant.name for variant in variants(Sweep(base="demo/scale", figures=("coarse/mrr@10",), vary=vary))]
        ['base', 'fusion=gated', 'model.dim=8', 'model.dim=16']
    """
    if sweep.mode == "list":
        return [_listed(name, entry) for name, entry in sweep.vary.items()]
    choices = [[f"{key}={_text(value)}" for value in _words(entry)] for key, entry in sweep.vary.items()]
    if sweep.mode == "grid":
        return [Variant(", ".join(combination), combination) for combination in itertools.product(*choices)]
    return [Variant(BASE, ()), *(Variant(choice, (choice,)) for choice in itertools.chain(*choices))]


def reference(sweep: Sweep) -> str:
    """Name of the variant that the others are compared with."""
    return sweep.reference or variants(sweep)[0].name


def _problems(sweep: Sweep) -> list[str]:
    based = [key for key, entry in sweep.vary.items() if isinstance(entry, Choice)] if sweep.mode != "list" else []
    if based:
        return [f"vary.{key}: only mode: list has variants with a base; here it is a list of values" for key in based]
    names = [variant.name for variant in variants(sweep)]
    found = [f"figures: expected TASK/FIGURE, got {figure!r}" for figure in sweep.figures if "/" not in figure]
    if not names:
        found.append("vary: there is nothing to vary")
    if sweep.mode != "list":
        found += [f"vary.{key}: there are no values" for key, values in sweep.vary.items() if not _words(values)]
    if sweep.reference is not None and sweep.reference not in names:
        near = get_close_matches(sweep.reference, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
        found.append(f"reference: no variant is called {sweep.reference!r}; {hint}")
    for key, values in _listings(sweep).items():
        if len(set(values)) < len(values):
            found.append(f"{key}: something is in it twice")
    return found


def _listings(sweep: Sweep) -> dict[str, Sequence[Any]]:
    """What must not repeat itself."""
    listed: dict[str, Sequence[Any]] = {"seeds": sweep.seeds, "figures": sweep.figures}
    return listed if isinstance(sweep.evaluate, str) else listed | {"evaluate": sweep.evaluate}


def _listed(name: str, entry: Entry) -> Variant:
    if isinstance(entry, Choice):
        return Variant(name, entry.set, entry.base)
    return Variant(name, tuple(map(str, entry)))


def _words(entry: Entry) -> tuple[Scalar, ...]:
    return entry.set if isinstance(entry, Choice) else entry


def _located(sweep: Sweep, folder: Path) -> Sweep:
    """Bases that lie beside the sweep file, by their paths."""

    def place(base: str) -> str:
        local = folder / base
        return str(local.resolve()) if local.is_file() else base

    def entry(given: Entry) -> Entry:
        if isinstance(given, Choice) and given.base is not None:
            return given.model_copy(update={"base": place(given.base)})
        return given

    vary = {name: entry(given) for name, given in sweep.vary.items()}
    return sweep.model_copy(update={"base": place(sweep.base), "vary": vary})


def _text(value: Scalar) -> str:
    """As ``--set`` reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _frozen(value: Any) -> Any:
    """Lists as tuples: strict checking takes one for the other only from JSON."""
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _sentence(problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"] if step not in (_WORDS, _CHOICE, _WORD))
    if problem["type"] == "extra_forbidden":
        fields = _fields(problem["loc"])
        near = get_close_matches(str(problem["loc"][-1]), fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(fields)}"
        return f"{where}: unknown key; {hint}"
    if problem["type"] == "tuple_type":
        return f"{where}: expected a list, got {problem['input']!r}"
    return f"{where}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _fields(place: Sequence[Any]) -> Sequence[str]:
    """The keys of the section in which a key was unknown."""
    sections: Mapping[str, type[_Section]] = {"budget": Budget, "evaluate": View, "vary": Choice}
    return tuple((Sweep if len(place) == 1 else sections[place[0]]).model_fields)
