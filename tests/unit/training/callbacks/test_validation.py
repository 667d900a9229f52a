"""A run is looked at as often as it should be, at logged steps, and at its end."""

from types import SimpleNamespace

import pytest

from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.validation import ValidationCallback


def _looked_at(every, logged_every, last, first=0):
    held_out = SimpleNamespace(measure=lambda: SimpleNamespace(values={"loss": 1.0}, chance={"knn/kind": 0.5}))
    callback = ValidationCallback(held_out, every, logged_every)
    state = TrainState(model=None, optimizer=None, max_steps=last)
    steps = []
    for step in range(first + 1, last + 1):
        state.step = step
        callback.after_step(state, None, {})
        if callback.values:
            assert (callback.values, callback.chance) == ({"val/loss": 1.0}, {"val/knn/kind": 0.5})
            steps.append(step)
    return steps


@pytest.mark.parametrize(
    ("every", "logged_every", "last", "expected"),
    [
        (None, 1, 20, [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
        (None, 5, 20, [5, 10, 15, 20]),
        (8, 5, 23, [10, 20, 23]),
        (3, 1, 7, [3, 6, 7]),
        (None, 1, 3, [1, 2, 3]),
    ],
)
def test_when_a_run_is_looked_at(every, logged_every, last, expected):
    assert _looked_at(every, logged_every, last) == expected


def test_a_resumed_run_is_looked_at_at_the_same_steps():
    assert _looked_at(8, 5, 40, first=17) == [step for step in _looked_at(8, 5, 40) if step > 17]
