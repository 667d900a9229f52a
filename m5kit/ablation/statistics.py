"""What a handful of seeds allows one to say: intervals, a paired test, and a correction for testing often."""

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from m5kit.evaluation.functional.bootstrap import mean_interval
from m5kit.runs.study import Interval

EXACT_UP_TO = 16
"""Pairs for which every pattern of signs is tried (65,536); for more, that many are drawn."""


def all_equal(values: Sequence[float]) -> bool:
    """Whether there are several values that differ in no more than the last bits of a sum.

    Example:
        >>> all_equal([0.7 - 0.6, 0.6 - 0.5]), all_equal([0.1]), all_equal([0.1, 0.2])
        (True, False, False)
    """
    if len(values) < 2:
        return False
    most, least = max(values), min(values)
    return most - least <= 1e-12 * max(1.0, abs(most), abs(least))


def student_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean and Student-t interval of a few independent, roughly normal values, such as one metric over seeds.

    Args:
        values: at least one.
        confidence: how often such an interval holds the true mean.

    Example:
        >>> found = student_interval([0.50, 0.52, 0.54])
        >>> round(found.mean, 2), round(found.low, 2), round(found.high, 2)
        (0.52, 0.47, 0.57)
    """
    from scipy import stats

    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return Interval(mean=mean)
    reach = float(stats.t.ppf((1 + confidence) / 2, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers)))
    return Interval(mean=mean, low=mean - reach, high=mean + reach)


def bootstrap_interval(values: Sequence[float], seed: int, confidence: float = 0.95, resamples: int = 9999) -> Interval:
    """Mean and percentile bootstrap interval; asks nothing of the distribution, but is too narrow for few values.

    Args:
        values: at least one.
        seed: the same seed draws the same resamples.
        confidence: share of resampled means inside the interval.
        resamples: how often the values are drawn anew.
    """
    numbers = np.asarray(values, dtype=np.float64)
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return Interval(mean=mean)
    low, high = mean_interval(numbers, seed, confidence=confidence, resamples=resamples)
    return Interval(mean=mean, low=float(low), high=float(high))


def paired_permutation(differences: Sequence[float], seed: int = 0) -> float:
    """Two-sided p of the mean of paired differences, were each as likely to have the other sign.

    Exact for up to :data:`EXACT_UP_TO` pairs. With n pairs p is never below 2 / 2^n: five seeds give 0.0625 at best.
    Source: Fisher, The Design of Experiments (1935), section 21.

    Args:
        differences: of each pair, at least one.
        seed: for the draws where there are too many patterns of signs to try them all.

    Example:
        >>> paired_permutation([0.3, 0.1, 0.2, 0.4, 0.2])
        0.0625
    """
    numbers = np.asarray(differences, dtype=np.float64)
    sums = np.abs(_signs(len(numbers), seed) @ numbers)
    # a sum in another order differs in its last bits and must still count as equal
    slack = 1e-12 * float(np.abs(numbers).sum())
    extreme = int((sums >= abs(numbers.sum()) - slack).sum())
    # Of patterns that are drawn the observed one counts as one more, or p could be 0.
    exact = len(numbers) <= EXACT_UP_TO
    return extreme / len(sums) if exact else (extreme + 1) / (len(sums) + 1)


def paired_t(differences: Sequence[float]) -> float | None:
    """Two-sided p of the paired t-test; None for one pair, 1 if all differences are zero.

    Args:
        differences: of each pair, roughly normal.
    """
    from scipy import stats

    numbers = np.asarray(differences, dtype=np.float64)
    if len(numbers) < 2:
        return None
    error = float(numbers.std(ddof=1) / np.sqrt(len(numbers)))
    if error == 0:
        return 1.0 if numbers[0] == 0 else 0.0
    return float(2 * stats.t.sf(abs(float(numbers.mean())) / error, len(numbers) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p values that may all be held against one level, in the order given.

    Source: Holm, A simple sequentially rejective multiple test procedure (1979).

    Args:
        p_values: of one family of tests.

    Example:
        >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        # Monotone: no p may come out below one that was smaller before the correction.
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def _signs(pairs: int, seed: int) -> NDArray[np.float64]:
    """Patterns of +1 and -1, ``patterns pairs``: all of them where they are few."""
    if pairs <= EXACT_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=pairs)))
    return np.random.default_rng(seed).choice((1.0, -1.0), size=(2**EXACT_UP_TO, pairs))
