"""The mean of metric values."""

import math
from collections.abc import Iterable
from typing import Any


def is_finite(value: Any) -> bool:
    """Whether a value of a file is a number that can be drawn and averaged.

    Example:
        >>> [is_finite(value) for value in (0.5, 3, float("nan"), 10**400, "0.5", None, True)]
        [True, True, False, False, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


def finite_mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that exist and are finite; None if there is none.

    A value that is missing, NaN or infinite would otherwise make the mean of all others meaningless.

    Example:
        >>> finite_mean([0.25, None, 0.75, float("nan")])
        0.5
        >>> finite_mean([1.5e308, 1.5e308])
        1.5e+308
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return None
    try:
        return math.fsum(finite) / len(finite)  # fsum: in any order the same
    except OverflowError:  # losses of a run that diverged, whose sum no float holds
        return math.fsum(value / len(finite) for value in finite)
