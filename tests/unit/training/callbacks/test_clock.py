"""The clock estimates a run's length, and ends one whose length is given in minutes."""

import math

from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.clock import ClockCallback


class Clock:
    """Two seconds a step."""

    def __init__(self, before=0.0, expected=None):
        self.seconds, self.expected = before, expected

    def start(self):
        pass

    def tick(self):
        pass


def _run(seconds, before=0.0, last=1000, expected=None, most=math.inf, step=0):
    written, clock = [], Clock(before, expected)
    callback = ClockCallback(clock, seconds, written.append, most)
    state = TrainState(model=None, optimizer=None, max_steps=last, step=step)
    callback.before_train(state)
    while not state.last:
        state.step += 1
        clock.seconds += 2.0
        callback.after_step(state, None, {})
    return state, written


def test_a_run_of_steps_is_announced_once():
    state, written = _run(None)
    assert state.step == 1000
    assert written == ["1000 steps of 2.00 s: about 33 min on this machine"]


def test_a_short_run_is_not_announced():
    assert _run(None, last=20)[1] == []


def test_minutes_end_a_run():
    state, written = _run(400.0)
    assert state.step == state.max_steps == 200
    assert written == ["200 steps of 2.00 s: about 6 min on this machine"]


def test_the_time_before_an_interruption_counts():
    assert _run(400.0, before=300.0)[0].step == 50
    assert _run(400.0, before=400.0)[0].step == 0


def test_passes_end_a_run_that_has_time_left():
    state, written = _run(400.0, most=100)
    assert state.step == state.max_steps == 100
    assert written == ["100 steps of 2.00 s: about 3 min on this machine"]
    assert _run(400.0, most=300)[0].step == 200
    assert _run(400.0, most=100, step=100)[0].step == 100


def test_a_run_of_minutes_goes_on_whatever_its_config_says_of_steps():
    assert _run(400.0, before=200.0, last=50, step=100)[0].step == 200
    assert _run(400.0, last=1)[0].step == 200


def test_what_was_told_before_is_corrected_only_where_it_was_far_off():
    assert _run(None, expected=1.5)[1] == []
    assert _run(None, expected=0.5)[1] == ["1000 steps of 2.00 s: about 33 min on this machine"]
