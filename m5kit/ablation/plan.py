"""The trials of a sweep: one a variant and seed, each with an id that says what it computes."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from m5kit.ablation.sweep import Sweep, Variant, reference, variants
from m5kit.errors import ConfigError

Resolve = Callable[[str, Sequence[str]], Mapping[str, Any]]
"""Gives the whole checked config of a base with changes laid on it."""

NOT_COMPUTED = ("name", "data.root", "data.workers", "checkpoint.keep")
"""Keys that no metric value depends on, so that an id is the same on another machine."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One config with one seed.

    Attributes:
        id: sixteen letters and digits made from the config and the seed.
        variant: name of its variant.
        seed: of the run.
        base: name or path of the config that it starts from.
        overrides: ``KEY=VALUE`` each, those of the sweep, the variant and the seed.
    """

    id: str
    variant: str
    seed: int
    base: str
    overrides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep will do.

    Attributes:
        variants: in the order of the file.
        trials: all seeds of the first variant, then those of the next.
        same: variants left out because they equal an earlier one, which is their value.
        reference: the variant that the others are compared with.
    """

    variants: tuple[Variant, ...]
    trials: tuple[Trial, ...]
    same: Mapping[str, str]
    reference: str


def make_plan(sweep: Sweep, resolve: Resolve) -> Plan:
    """Resolve every trial, so that a mistake in the last variant is found before the first one starts.

    Raises:
        ConfigError: some variants are mistaken; all of their problems at once.
    """
    problems: dict[str, list[str]] = {}
    kept: dict[tuple[str, ...], tuple[Variant, list[Trial]]] = {}
    same: dict[str, str] = {}
    every = list(variants(sweep))
    for variant in every:
        try:
            trials = list(_trials(sweep, variant, resolve))
        except ConfigError as error:
            problems[variant.name] = list(error.problems)
            continue
        # variants whose trials all have the ids of an earlier one's compute the same
        first, _ = kept.setdefault(tuple(trial.id for trial in trials), (variant, trials))
        if first is not variant:
            same[variant.name] = first.name
    if problems:
        raise ConfigError(_sentences(problems, len(every)))
    wanted = reference(sweep)
    distinct: list[Variant] = []
    planned: list[Trial] = []
    for variant, of_variant in kept.values():
        distinct.append(variant)
        planned += of_variant
    # the reference may itself equal an earlier variant, under whose name it was run
    return Plan(tuple(distinct), tuple(planned), same, same.get(wanted, wanted))


def trial_id(values: Mapping[str, Any], seed: int, extra: Any = None) -> str:
    """The same for the same computation, whatever the order of keys and wherever the data lie.

    Args:
        values: a whole config.
        seed: of the run.
        extra: what else decides the result.

    Example:
        >>> trial_id({"a": 1, "b": 2}, 0) == trial_id({"b": 2, "a": 1}, 0) != trial_id({"b": 2, "a": 1}, 1)
        True
    """
    # the seed has a place of its own: a config that names one and a sweep that sets the same give one id
    counted = dict(_flat(values))
    for key in (*NOT_COMPUTED, "seed"):
        counted.pop(key, None)
    text = json.dumps([counted, seed, extra], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _trials(sweep: Sweep, variant: Variant, resolve: Resolve) -> Iterator[Trial]:
    base, changes = variant.base or sweep.base, (*sweep.set, *variant.overrides)
    values = resolve(base, changes)
    subsets = sweep.evaluate if isinstance(sweep.evaluate, str) else [each.modalities for each in sweep.evaluate]
    how = [subsets, sweep.budget.threads]
    for seed in sweep.seeds:
        yield Trial(trial_id(values, seed, how), variant.name, seed, base, (*changes, f"seed={seed}"))


def _sentences(problems: Mapping[str, Sequence[str]], variants: int) -> list[str]:
    """Problems by variant as sentences; one that every variant has is told once."""
    first = next(iter(problems.values()))
    common = [each for each in first if len(problems) == variants and all(each in own for own in problems.values())]
    return common + [f"{name}: {each}" for name, own in problems.items() for each in own if each not in common]


def _flat(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    # an empty mapping is a value too: without it a config that clears a section would have the id of one that has none
    if not isinstance(tree, Mapping) or not tree:
        yield prefix.removesuffix("."), tree
        return
    for key, value in tree.items():
        yield from _flat(value, f"{prefix}{key}.")
