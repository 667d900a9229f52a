"""The mean of metric values."""

import math
from collections.abc import Iterable


def finite_mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that exist and are finite; None if there is none.

    A value that is missing, NaN or infinite would otherwise make the mean of all others meaningless.

    Example:
        >>> finite_mean([0.25, None, 0.75, float("nan")])
        0.5
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]  # fsum: in any order the same
    return math.fsum(finite) / len(finite) if finite else None
