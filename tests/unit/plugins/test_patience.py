"""What hangs is given up; whoever else uses alarms finds them as they were."""

import signal
import sys
import threading
import time

import pytest

from m5kit.errors import PluginError
from m5kit.plugins import patience
from m5kit.plugins.patience import OutOfTime, import_limit, within

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no alarms")


def run(limit, action):
    return within(limit, action, "importing it", "mend it")


def forever():
    time.sleep(60)


def stubborn():
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue


@pytest.fixture(autouse=True)
def alarms_stay_as_they_were():
    handler = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_ends_in_time_gives_its_result():
    assert run(5, lambda: 3) == run(0, lambda: 3) == 3


@pytest.mark.parametrize("action", [forever, stubborn])
def test_what_hangs_is_given_up(action):
    start = time.monotonic()
    with pytest.raises(OutOfTime):
        run(0.1, action)
    assert time.monotonic() - start < 2


def test_what_keeps_the_first_alarm_gets_another(monkeypatch):
    monkeypatch.setattr(patience, "GRACE", 0.1)
    caught = []

    def keeps_one():
        try:
            forever()
        except:  # noqa: E722
            caught.append(True)
        forever()

    with pytest.raises(OutOfTime):
        run(0.1, keeps_one)
    assert caught == [True]


def test_an_error_of_the_action_comes_through():
    with pytest.raises(ZeroDivisionError):
        run(5, lambda: 1 / 0)


def test_the_inner_one_of_two_is_given_up_and_the_outer_one_keeps_its_time():
    def outer():
        with pytest.raises(OutOfTime):
            run(0.1, forever)
        return signal.getitimer(signal.ITIMER_REAL)[0]

    assert 3 < run(5, outer) < 4.95


def test_an_outer_limit_that_passed_meanwhile_strikes_afterwards():
    def outer():
        with pytest.raises(OutOfTime):
            run(0.3, forever)
        forever()

    with pytest.raises(OutOfTime):
        run(0.1, outer)


def test_an_alarm_of_somebody_else_still_rings():
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        run(5, lambda: time.sleep(0.2))
        time.sleep(0.1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert rung == [True]


def test_what_cannot_be_interrupted_is_named(monkeypatch, capsys):
    monkeypatch.setattr(patience, "GRACE", 0.5)

    def deaf():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        try:
            time.sleep(0.8)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    with pytest.raises(OutOfTime):
        run(0.1, deaf)
    said = capsys.readouterr().err
    assert "importing it does not end after 0.1 s and cannot be interrupted: it hangs outside Python; run: kill" in said
    assert said.endswith("then mend it\n")


def test_another_thread_is_not_interrupted_but_told(monkeypatch, capsys):
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    thread = threading.Thread(target=lambda: run(0.1, lambda: time.sleep(0.4)))
    thread.start()
    thread.join()
    assert capsys.readouterr().err == "importing it has taken 0.1 s so far; if it hangs, end it and mend it\n"


@pytest.mark.parametrize(("said", "limit"), [(None, 60.0), ("", 60.0), ("5", 5.0), ("0", 0.0)])
def test_the_environment_says_how_long(monkeypatch, said, limit):
    monkeypatch.delenv(patience.TIMEOUT_VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(patience.TIMEOUT_VARIABLE, said)
    assert import_limit() == limit


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(monkeypatch, said):
    monkeypatch.setenv(patience.TIMEOUT_VARIABLE, said)
    with pytest.raises(PluginError, match=f"M5KIT_PLUGIN_TIMEOUT: expected seconds, 0 for no limit; got '{said}'"):
        import_limit()
