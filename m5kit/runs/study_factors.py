"""What a grid says of its factors: how much each value is worth, and whether two factors add up."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A mean over seeds with its interval; None where there is none."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorLevel:
    """One value of a factor, over everything else that the grid varies.

    Attributes:
        factor: the key that varies, such as ``fusion``.
        value: that it has.
        variants: how many variants have it.
        metric: ``TASK/METRIC``.
        effect: mean of these variants.
        gain: the same, less the mean of the whole grid.
    """

    factor: str
    value: str
    variants: int
    metric: str
    effect: Effect
    gain: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """Two values together.

    Attributes:
        factors: the two keys.
        values: that they have.
        metric: ``TASK/METRIC``.
        effect: mean of the variants that have both.
        surplus: the same, less what the two gains would add up to; 0 where the factors do not depend on each other.
    """

    factors: tuple[str, str]
    values: tuple[str, str]
    metric: str
    effect: Effect
    surplus: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorEffects:
    """Of a grid whose variants all have results for some common seeds.

    Attributes:
        seeds: that all variants have.
        levels: of every factor and metric.
        interactions: of every pair of factors, for the first metric.
    """

    seeds: Sequence[int]
    levels: Sequence[FactorLevel]
    interactions: Sequence[Interaction]
