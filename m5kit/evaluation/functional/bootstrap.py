"""Confidence intervals of means over items: the percentile bootstrap."""

import numpy as np
from numpy.typing import NDArray

BLOCK = 250_000
"""Draws in memory at once: they fit into a processor's cache, whatever the number of resamples."""


def mean_interval(
    values: NDArray[np.float64], seed: int, *, confidence: float = 0.95, resamples: int = 1000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile interval of the mean over items, for many columns at once.

    All columns share their resamples, so the intervals of several scores of the same queries cost hardly more than one.
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.

    Args:
        values: ``b`` or ``b k``, one value an item.
        seed: the same seed draws the same resamples.
        confidence: share of resampled means inside the interval.
        resamples: how often the items are drawn anew.

    Returns:
        The lower and the upper end, each a scalar or ``k``.

    Example:
        >>> low, high = mean_interval(np.array([0.0, 1.0] * 50), seed=0)
        >>> bool(low < 0.5 < high), round(float(high - low), 1)
        (True, 0.2)
    """
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(resampled_means(values, seed, resamples), [tail, 100 - tail], axis=0)
    return low, high


def resampled_means(values: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Means ``r`` or ``r k`` of ``resamples`` draws with replacement of the rows of ``values``."""
    generator = np.random.default_rng(seed)
    size = len(values)
    # as many resamples at once as fit into a block
    rows = max(1, BLOCK // size)
    blocks = []
    for start in range(0, resamples, rows):
        counts = _draw_counts(generator, min(rows, resamples - start), size)
        blocks.append(counts @ values)
    means: NDArray[np.float64] = np.concatenate(blocks) / size
    return means


def _draw_counts(generator: np.random.Generator, rows: int, size: int) -> NDArray[np.float64]:
    """How often each of ``size`` items is drawn, ``rows size``: means become one matrix product."""
    draws = generator.integers(size, size=(rows, size))
    draws += np.arange(rows)[:, None] * size  # each row counts in a range of its own
    return np.bincount(draws.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)
