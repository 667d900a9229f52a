"""The bootstrap interval is SciPy's, holds the truth as often as it says, and is the same for one seed."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from m5kit.evaluation.functional import bootstrap as module
from m5kit.evaluation.functional.bootstrap import mean_interval


def test_equals_scipy_on_the_same_draws():
    values = np.random.default_rng(0).exponential(size=60)
    expected = bootstrap(
        (values,), np.mean, method="percentile", n_resamples=500, rng=np.random.default_rng(4)
    ).confidence_interval
    np.testing.assert_allclose(mean_interval(values, 4, resamples=500), expected, atol=1e-12)


def test_columns_are_resampled_together_and_each_alone_gives_the_same():
    values = np.random.default_rng(1).random((40, 3))
    low, high = mean_interval(values, 2)
    for column in range(3):
        assert (low[column], high[column]) == pytest.approx(mean_interval(values[:, column], 2))


def test_blocks_do_not_change_the_interval(monkeypatch):
    values = np.random.default_rng(2).random(30)
    whole = mean_interval(values, 5)
    monkeypatch.setattr(module, "BLOCK", 100)
    assert mean_interval(values, 5) == pytest.approx(whole, abs=1e-15)


def test_one_item_has_an_interval_of_no_width():
    assert mean_interval(np.array([0.25]), 0) == (0.25, 0.25)


def test_holds_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    intervals = [mean_interval((rng.random(100) < 0.3).astype(float), seed, resamples=300) for seed in range(300)]
    assert 0.90 <= np.mean([low <= 0.3 <= high for low, high in intervals]) <= 0.98
