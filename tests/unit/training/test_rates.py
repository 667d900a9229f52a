"""The learning rate rises, follows the schedule, and is the same after a checkpoint."""

from types import SimpleNamespace

import pytest
from torch import nn
from torch.optim import SGD

from m5kit.registry import SCHEDULES
from m5kit.training.rates import LearningRates, TimedRates


def _rates(decay, warmup=1 / 6, steps=12):
    optimizer = SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    return optimizer, LearningRates(optimizer, SCHEDULES.build({"type": decay}), warmup, steps)


@pytest.mark.parametrize(
    ("decay", "expected"),
    [("linear", [1.0, 0.5]), ("cosine", [1.0, 0.5]), ("none", [1.0, 1.0])],
)
def test_the_learning_rate_rises_then_falls(decay, expected):
    optimizer, rates = _rates(decay)
    made_with = []
    for step in range(13):
        rates.apply(step)
        made_with.append(optimizer.param_groups[0]["lr"])
    assert made_with[0] == pytest.approx(1 / 3)
    assert [made_with[2], made_with[7]] == pytest.approx(expected)
    assert made_with[12] == pytest.approx(0.0 if decay != "none" else 1.0, abs=1e-9)


def test_a_restored_optimizer_gets_the_rate_of_the_step_at_full_strength():
    optimizer, rates = _rates("linear", warmup=0.0, steps=4)
    rates.apply(3)
    optimizer.load_state_dict(optimizer.state_dict())
    rates.apply(0)
    assert optimizer.param_groups[0]["lr"] == 1.0


def test_a_run_of_one_step_learns():
    optimizer, rates = _rates("cosine", warmup=0.1, steps=1)
    rates.apply(0)
    assert optimizer.param_groups[0]["lr"] == 1.0


def test_a_run_of_minutes_follows_the_clock():
    optimizer, clock = SGD(nn.Linear(2, 2).parameters(), lr=1.0), SimpleNamespace(seconds=0.0)
    rates = TimedRates(optimizer, SCHEDULES.build({"type": "linear"}), 0.2, 100.0, clock)
    factors = []
    for clock.seconds in (0.0, 10.0, 20.0, 60.0, 120.0):
        factors.append(rates.factor(0))
    assert factors == pytest.approx([0.01, 0.5, 1.0, 0.5, 0.0])


def test_where_passes_end_a_run_the_rate_falls_with_them():
    optimizer, clock = SGD(nn.Linear(2, 2).parameters(), lr=1.0), SimpleNamespace(seconds=10.0)
    rates = TimedRates(optimizer, SCHEDULES.build({"type": "linear"}), 0.2, 100.0, clock, most=50)
    assert [rates.factor(step) for step in (5, 10, 30, 50)] == pytest.approx([0.5, 1.0, 0.5, 0.0])
