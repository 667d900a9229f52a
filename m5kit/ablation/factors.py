"""Factors of a grid: the worth of each value over all others, and of two values beyond the sum of both."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from m5kit.runs.study import Interval, StudyRow
from m5kit.runs.study_factors import Effect, FactorEffects, FactorLevel, Interaction

Estimator = Callable[[Sequence[float]], Interval]
"""Mean and interval of values over seeds."""

Choices = Mapping[str, str]
"""Of one variant of a grid, the value by factor."""


def factor_effects(rows: Sequence[StudyRow], metrics: Sequence[str], estimate: Estimator) -> FactorEffects | None:
    """The effects of a grid of two factors or more; None for other sweeps, and while no seed is complete.

    Every seed gives one number, a mean over variants; intervals are over these numbers. A seed that some variant lacks
    is left out: means over different variants would not be comparable.

    Args:
        rows: of whole models, one a variant.
        metrics: the first one is that of interactions.
        estimate: of values over seeds.
    """
    grid = grid_of([row.variant for row in rows])
    if grid is None:
        return None
    seeds = _common_seeds(rows, metrics)
    if not seeds:
        return None
    factors = list(grid[0])
    levels: list[FactorLevel] = []
    for metric in metrics:
        values = _table(rows, metric, seeds)
        for factor in factors:
            levels += _levels(grid, factor, metric, values, estimate)
    main = _table(rows, metrics[0], seeds)
    interactions: list[Interaction] = []
    for pair in combinations(factors, 2):
        interactions += _interactions(grid, pair, metrics[0], main, estimate)
    return FactorEffects(seeds=seeds, levels=levels, interactions=interactions)


def grid_of(variants: Sequence[str]) -> list[Choices] | None:
    """The choices of each variant of a whole grid; None if the names are not of one.

    Example:
        >>> grid_of(["a=1, b=x", "a=1, b=y", "a=2, b=x", "a=2, b=y"])[1]
        {'a': '1', 'b': 'y'}
        >>> grid_of(["base", "a=1"]) is None
        True
    """
    choices: list[Choices] = []
    for name in variants:
        pairs = [part.partition("=") for part in name.split(", ")]
        choices.append({key: value for key, sign, value in pairs if sign})
        if len(choices[-1]) != len(pairs) or list(choices[-1]) != list(choices[0]):
            return None
    if not choices or len(choices[0]) < 2:
        return None
    sizes = [len(_values(choices, factor)) for factor in choices[0]]
    if min(sizes) < 2:  # what has one value varies nothing; so it is where runs are compared, or few trials are done
        return None
    # A whole grid has as many variants as there are combinations; names are unique, so none can stand in for another.
    return choices if np.prod(sizes) == len(choices) else None


def _table(rows: Sequence[StudyRow], metric: str, seeds: Sequence[int]) -> NDArray[np.float64]:
    """The values of a metric, one row a variant and one column a seed."""
    table = []
    for row in rows:
        values = row.metrics[metric].values
        table.append([values[seed] for seed in seeds])
    return np.array(table)


def _common_seeds(rows: Sequence[StudyRow], metrics: Sequence[str]) -> list[int]:
    """The seeds for which every variant has every metric."""
    common: set[int] | None = None
    for row in rows:
        for metric in metrics:
            there = set(row.metrics[metric].values)
            common = there if common is None else common & there
    return sorted(common or ())


def _levels(
    grid: Sequence[Choices], factor: str, metric: str, values: NDArray[np.float64], estimate: Estimator
) -> list[FactorLevel]:
    found = []
    for value in _values(grid, factor):
        chosen = _having(grid, {factor: value})
        mean = values[chosen].mean(0)
        found.append(
            FactorLevel(
                factor=factor,
                value=value,
                variants=int(chosen.sum()),
                metric=metric,
                effect=_effect(mean, estimate),
                gain=_effect(mean - values.mean(0), estimate),
            )
        )
    return found


def _interactions(
    grid: Sequence[Choices], pair: tuple[str, str], metric: str, values: NDArray[np.float64], estimate: Estimator
) -> list[Interaction]:
    one, other = pair
    found = []
    for first in _values(grid, one):
        for second in _values(grid, other):
            both = values[_having(grid, {one: first, other: second})].mean(0)
            row = values[_having(grid, {one: first})].mean(0)
            column = values[_having(grid, {other: second})].mean(0)
            found.append(
                Interaction(
                    factors=pair,
                    values=(first, second),
                    metric=metric,
                    effect=_effect(both, estimate),
                    # seed by seed, so that what all variants of a seed share cancels
                    surplus=_effect(both - row - column + values.mean(0), estimate),
                )
            )
    return found


def _values(grid: Sequence[Choices], factor: str) -> list[str]:
    return list(dict.fromkeys(each[factor] for each in grid))


def _having(grid: Sequence[Choices], wanted: Choices) -> NDArray[np.bool_]:
    """Which variants have these values."""
    return np.array([wanted.items() <= each.items() for each in grid])


def _effect(by_seed: NDArray[np.float64], estimate: Estimator) -> Effect:
    interval = estimate(by_seed.tolist())
    return Effect(mean=float(by_seed.mean()), low=interval.low, high=interval.high)
