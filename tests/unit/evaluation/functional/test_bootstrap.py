import numpy as np
import pytest

from m5kit.evaluation.functional import bootstrap
from m5kit.evaluation.functional.bootstrap import mean_interval, resampled_means


def test_the_interval_covers_the_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    trials, covered = 200, 0
    for seed in range(trials):
        low, high = mean_interval((generator.random(60) < 0.3).astype(float), seed, resamples=400)
        covered += low <= 0.3 <= high
    assert 0.89 <= covered / trials <= 0.99


def test_the_width_is_that_of_the_normal_approximation():
    values = np.random.default_rng(1).normal(5, 2, size=400)
    low, high = mean_interval(values, seed=0, resamples=4000)
    expected = 1.96 * values.std() / 20
    assert (float(low), float(high)) == pytest.approx((values.mean() - expected, values.mean() + expected), abs=0.02)


def test_resampled_means_equal_means_of_drawn_items():
    values = np.random.default_rng(2).random(9)
    draws = np.random.default_rng(3).integers(9, size=(50, 9))
    np.testing.assert_allclose(resampled_means(values, seed=3, resamples=50), values[draws].mean(1), atol=1e-12)


def test_columns_share_their_resamples():
    values = np.random.default_rng(3).random((30, 3))
    low, high = mean_interval(values, seed=5)
    for column in range(3):
        alone = mean_interval(values[:, column].copy(), seed=5)
        assert (low[column], high[column]) == pytest.approx(alone)


def test_few_draws_at_once_give_the_same(monkeypatch):
    values = np.random.default_rng(4).random(40)
    whole = resampled_means(values, seed=1, resamples=30)
    monkeypatch.setattr(bootstrap, "BLOCK", 100)
    np.testing.assert_allclose(resampled_means(values, seed=1, resamples=30), whole, atol=1e-12)


def test_a_wider_confidence_gives_a_wider_interval():
    values = np.random.default_rng(5).random(50)
    narrow, wide = (np.ptp(mean_interval(values, 0, confidence=share)) for share in (0.5, 0.99))
    assert wide > 2 * narrow


def test_one_item_has_no_spread():
    assert [float(end) for end in mean_interval(np.array([0.25]), seed=0)] == [0.25, 0.25]
