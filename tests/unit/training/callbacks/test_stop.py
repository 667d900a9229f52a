"""A run ends at one step everywhere, whoever was told to stop."""

import os
import signal
import time

import pytest

from m5kit.parallel.group import Group
from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.stop import StopCallback


def state():
    return TrainState(model=None, optimizer=None, max_steps=1000)


def end_after(group, told, hooks=False):
    """The step after which each process ends; ``told`` says what one of them is told, and when."""
    run, callback = state(), StopCallback(group, hooks)
    callback.before_train(run)
    while not run.last:
        run.step += 1
        group.notice.tell(group.all_bytes(group.notice.own()).tolist())  # as the exchange of a step does
        if group.rank == group.size - 1 and run.step == 3:
            told(run)
        callback.after_step(run, None, {})
        assert run.step < 10
    callback.after_train(run)
    return run.step, callback.stopped_by


def terminate(run):
    os.kill(os.getpid(), signal.SIGTERM)


def ask(run):
    run.stopping = True


def test_a_signal_to_one_process_ends_all_at_the_same_step(on_ranks):
    # It came after the exchange of the third step, so it is told with the fourth.
    assert on_ranks(3, end_after, terminate) == [(4, signal.SIGTERM)] * 3


def test_what_ends_one_process_ends_all(on_ranks):
    assert on_ranks(2, end_after, ask, True) == [(3, None)] * 2


def test_a_signal_in_the_last_step_is_not_lost(on_ranks):
    def last_step(group):
        run, callback = state(), StopCallback(group, hooks=False)
        callback.before_train(run)
        run.step = run.max_steps
        if group.first:
            terminate(run)
        callback.after_step(run, None, {})
        return callback.stopped_by

    assert on_ranks(2, last_step) == [signal.SIGTERM] * 2


def test_a_process_alone_stops_too():
    assert end_after(Group(), terminate) == (3, signal.SIGTERM)


def signalled_twice(group):
    """A launcher passes on what its processes got already; only later does a second signal mean that there is haste."""
    callback = StopCallback(group)
    callback.before_train(state())
    terminate(None)
    terminate(None)
    callback._at -= 60.0
    before = signal.signal(signal.SIGTERM, callback._receive)
    callback._before[signal.SIGTERM] = lambda *_: heard.append("again")
    heard = []
    terminate(None)
    time.sleep(0.01)
    signal.signal(signal.SIGTERM, before)
    return heard


def test_a_signal_that_is_passed_on_is_not_a_second_one(on_ranks):
    assert on_ranks(2, signalled_twice) == [["again"]] * 2


def test_handlers_are_given_back():
    before, callback = signal.getsignal(signal.SIGTERM), StopCallback(Group())
    callback.before_train(state())
    assert signal.getsignal(signal.SIGTERM) == callback._receive
    callback.after_train(state())
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("stopping", [True, False])
def test_a_run_that_ended_before_its_first_step_ends_everywhere(on_ranks, stopping):
    assert on_ranks(2, begins, stopping) == [stopping, stopping]


def begins(group, stopping):
    run = state()
    run.stopping = stopping and group.first
    StopCallback(group).before_train(run)
    return run.stopping
