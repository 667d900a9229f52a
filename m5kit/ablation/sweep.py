"""A sweep: the base config, what varies, the seeds, the budget, the metrics; and the variants that follow from it."""

import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Discriminator, Field, Tag

from m5kit.config.reader import read_value
from m5kit.errors import ConfigError

BASE = "base"
"""Name of the variant that changes nothing."""

MOST = 10_000
"""Variants of a sweep. The config of each is checked before the first trial, in hundredths of a second."""

Scalar = bool | int | float | str
Positive = Annotated[float, Field(gt=0)]

LIST, MAPPING, WORD = "a list", "a mapping", "a word"
"""The forms that a key may have, as pydantic names them in the place of a mistake."""


class SweepSection(BaseModel):
    """Part of a sweep file: unknown keys are mistakes, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class TrialBudget(SweepSection):
    """What one trial may use."""

    seconds: Positive | None = None
    """After this time it is stopped and counts as failed; empty for no limit."""
    threads: Annotated[int, Field(gt=0)] = 1
    """Of the CPU; part of the sweep because the last bits of a sum depend on it."""


class BasedVariant(SweepSection):
    """A variant of a ``list`` that may start from a config of its own."""

    base: str | None = None
    """As the sweep's; empty for that."""
    set: tuple[str, ...] = ()
    """Its ``KEY=VALUE`` changes."""


class ModalitySubset(SweepSection):
    """One more evaluation of every trained run."""

    modalities: tuple[str, ...] = Field(min_length=1)
    """What the model may see."""

    @property
    def name(self) -> str:
        """As the report shows it."""
        return "+".join(self.modalities)


def _entry_form(given: Any) -> str:
    return MAPPING if isinstance(given, Mapping | BasedVariant) else LIST


def _evaluate_form(given: Any) -> str:
    return WORD if isinstance(given, str) else LIST


# pydantic would report the mistakes of every form of a union; told which form is meant, it reports only the real ones
Entry = Annotated[
    Annotated[tuple[Scalar, ...], Tag(LIST)] | Annotated[BasedVariant, Tag(MAPPING)],
    Discriminator(_entry_form),
]
"""What ``vary`` says of one key or of one variant."""

Subsets = Annotated[
    Annotated[tuple[ModalitySubset, ...], Tag(LIST)] | Annotated[Literal["all_subsets"], Tag(WORD)],
    Discriminator(_evaluate_form),
]
"""What ``evaluate`` says."""


class Sweep(SweepSection):
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
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0, 1, 2, 3, 4), min_length=1)
    evaluate: Subsets = ()
    """Further evaluations of every run; ``all_subsets`` is one for every choice of its modalities."""
    budget: TrialBudget = TrialBudget()
    metrics: tuple[str, ...] = Field(min_length=1, validation_alias=AliasChoices("metrics", "figures"))
    """``TASK/METRIC`` as in ``results.json``; the first is the one that plots show. Older files say ``figures``."""
    interval: Literal["student", "bootstrap"] = "student"
    test: Literal["permutation", "t"] = "permutation"
    cluster: Mapping[str, Scalar] = {}
    """For ``--engine submitit``: ``executor`` and its parameters, such as ``slurm_partition``; for ``--engine ray``:
    ``address`` and what one trial needs, such as ``num_gpus``."""


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


def variants(sweep: Sweep) -> list[Variant]:
    """Every combination that the sweep asks for, in the order of the file; the base first where there is one.

    Example:
        >>> vary = {"fusion": ("gated",), "model.dim": (8, 16)}
        >>> [variant.name for variant in variants(Sweep(base="demo/scale", metrics=("coarse/mrr@10",), vary=vary))]
        ['base', 'fusion=gated', 'model.dim=8', 'model.dim=16']
    """
    # a list names whole variants; in both other modes the keys of ``vary`` are keys of the config
    if sweep.mode == "list":
        return [_listed(name, entry) for name, entry in sweep.vary.items()]
    choices = [_choices(key, entry) for key, entry in sweep.vary.items()]
    if sweep.mode == "grid":
        return list(map(_combined, itertools.product(*choices)))
    # the base is what all others differ from by one value, so it is run too
    found = [Variant(BASE, ())]
    found.extend(Variant(choice, (choice,)) for choice in itertools.chain(*choices))
    return found


def count_variants(sweep: Sweep) -> int:
    """How many variants the sweep asks for, without making them: a few lines can ask for millions."""
    if sweep.mode == "list":
        return len(sweep.vary)
    sizes = [len(values_of(entry)) for entry in sweep.vary.values()]
    return math.prod(sizes) if sweep.mode == "grid" else 1 + sum(sizes)


def reference(sweep: Sweep) -> str:
    """Name of the variant that the others are compared with."""
    return sweep.reference or variants(sweep)[0].name


def _combined(choices: tuple[str, ...]) -> Variant:
    return Variant(", ".join(choices), choices)


def _listed(name: str, entry: Entry) -> Variant:
    if isinstance(entry, BasedVariant):
        return Variant(name, entry.set, entry.base)
    return Variant(name, tuple(map(str, entry)))


def _choices(key: str, entry: Entry) -> list[str]:
    # a key without dots picks a piece by its name, which is never quoted
    return [f"{key}={_text(value, quoted='.' in key)}" for value in values_of(entry)]


def values_of(entry: Entry) -> tuple[Scalar, ...]:
    """The values of a key, or the changes of a variant."""
    return entry.set if isinstance(entry, BasedVariant) else entry


def _text(value: Scalar, quoted: bool) -> str:
    """As ``--set`` reads it: the text ``"1"`` of a sweep file must not become a number on the way."""
    if quoted and isinstance(value, str) and not _keeps_its_kind(value):
        return json.dumps(value, ensure_ascii=False)
    # YAML writes true where Python writes True
    return str(value).lower() if isinstance(value, bool) else str(value)


def _keeps_its_kind(text: str) -> bool:
    """Whether ``--set`` reads a text as that text, or as the list or mapping that a sweep can write in no other way."""
    try:
        found = read_value(text, "")
    except ConfigError:
        return False
    return bool(text) and (found.value == text or text.startswith(("[", "{")))
