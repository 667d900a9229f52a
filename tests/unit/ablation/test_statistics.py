"""The statistics are those of SciPy, of textbooks, and of counting by hand."""

import numpy as np
import pytest
from scipy import stats

from m5kit.ablation.statistics import (
    bootstrap_interval,
    holm,
    paired_permutation,
    paired_t,
    student_interval,
)

SAMPLES = [np.random.default_rng(size).normal(0.3, 1.0, size) for size in (2, 3, 5, 8, 12)]


@pytest.mark.parametrize("values", SAMPLES, ids=len)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_the_student_interval_is_scipys(values, confidence):
    found = student_interval(values, confidence)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), expected.low, expected.high))


def test_the_student_interval_by_hand():
    found = student_interval([1.0, 2.0, 3.0])  # t of two degrees of freedom is 4.3027; s / sqrt(3) = 0.57735
    assert (found.low, found.high) == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)


def test_the_student_interval_holds_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(1.0, 2.0, (2000, 5))
    inside = [found.low <= 1.0 <= found.high for found in map(student_interval, draws)]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("interval", [student_interval, lambda values: bootstrap_interval(values, seed=0)])
def test_one_value_has_a_mean_and_no_interval(interval):
    found = interval([0.25])
    assert (found.mean, found.low, found.high) == (0.25, None, None)


@pytest.mark.parametrize("values", SAMPLES[2:], ids=len)
def test_the_bootstrap_is_scipys_up_to_its_draws(values):
    found = bootstrap_interval(values, seed=1)
    expected = stats.bootstrap((values,), np.mean, method="percentile", rng=2).confidence_interval
    spread = values.std() / np.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.1 * spread)
    assert found == bootstrap_interval(values, seed=1)


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_the_permutation_test_is_scipys(values):
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", vectorized=True, axis=0)
    assert paired_permutation(values) == pytest.approx(expected.pvalue)


def test_the_permutation_test_by_counting():
    assert paired_permutation([1.0, 2.0, 3.0]) == 2 / 8
    assert paired_permutation([-1.0, 2.0, 3.0]) == 4 / 8  # sums 4, 6 and their opposites
    assert paired_permutation([0.0, 0.0]) == 1.0
    assert paired_permutation([0.1, 0.2, 0.3, -0.6]) == 1.0


def test_ties_between_sums_in_another_order_count_as_ties():
    values = [0.1, 0.2, 0.3, 0.1, 0.2]
    assert paired_permutation(values) == 2 / 32


def test_many_pairs_are_sampled_and_agree_with_scipy():
    values = np.random.default_rng(5).normal(0.2, 1.0, 30)
    expected = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", vectorized=True, axis=0, n_resamples=20000, rng=1
    )
    assert paired_permutation(values) == pytest.approx(expected.pvalue, abs=0.02)
    assert paired_permutation(values) == paired_permutation(values)
    assert paired_permutation(values + 100) == pytest.approx(1 / (2**16 + 1))


@pytest.mark.parametrize("values", SAMPLES, ids=len)
def test_the_t_test_is_scipys(values):
    assert paired_t(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_the_t_test_of_what_cannot_vary():
    assert paired_t([0.5]) is None
    assert paired_t([0.0, 0.0, 0.0]) == 1.0
    assert paired_t([0.5, 0.5]) == 0.0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_holm_never_reverses_an_order_and_lies_between_p_and_bonferroni():
    p_values = np.random.default_rng(0).uniform(0, 0.4, 20)
    corrected = np.array(holm(p_values))
    assert (np.diff(corrected[np.argsort(p_values)]) >= 0).all()
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1, 20 * p_values)).all()


def test_holm_keeps_wrong_discoveries_rare():
    draws = np.random.default_rng(1).uniform(size=(2000, 10))
    wrong = [min(holm(row)) <= 0.05 for row in draws]
    assert np.mean(wrong) <= 0.06
