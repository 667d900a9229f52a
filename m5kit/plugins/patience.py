"""Runs an import for a limited time. One that hangs is interrupted where Python can do so, and reported elsewhere."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from m5kit.errors import PluginError

TIMEOUT_VARIABLE = "M5KIT_PLUGIN_TIMEOUT"
TIMEOUT = 60.0
"""Seconds that importing a plugin may take unless the variable says otherwise; torch is not counted."""
PATIENCE = 10.0
"""Seconds after which the user is told what is still being imported."""
GRACE = 5.0
"""Seconds after the limit at which the interruption is repeated and the user is told that it had no effect."""

Result = TypeVar("Result")


class OutOfTime(BaseException):
    """The limit has passed. Not an ``Exception``, so that an ``except Exception`` in the plugin does not catch it."""


def import_limit() -> float:
    """Seconds that importing a plugin may take; 0 for no limit.

    Raises:
        PluginError: the variable does not hold a number of seconds.
    """
    given = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(given or TIMEOUT)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):  # NaN fails this too
        raise PluginError(f"{TIMEOUT_VARIABLE}: expected seconds, 0 for no limit; got {given!r}")
    return seconds


def within(limit: float, action: Callable[[], Result], what: str, remedy: str) -> Result:
    """Run ``action`` and return its result, unless it takes longer than the limit.

    Only the main thread of a Unix process can be interrupted, and only while it runs Python or waits for the system.

    Args:
        limit: seconds it may take; 0 for no limit.
        action: what may hang.
        what: what it does, for messages.
        remedy: what a user can do about it.

    Raises:
        OutOfTime: it took longer.
    """
    is_main = threading.current_thread() is threading.main_thread()
    interruptible = limit > 0 and is_main and hasattr(signal, "setitimer")
    with _told_when_slow(limit if interruptible else 0, what, remedy):
        return _interrupted_after(limit, action) if interruptible else action()


def _interrupted_after(limit: float, action: Callable[[], Result]) -> Result:
    """Run the action under an alarm; afterwards an alarm that was set before gets its handler and remaining time."""
    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _raise)
    # with an interval: a bare except in the plugin may catch the first alarm
    delay, interval = signal.setitimer(signal.ITIMER_REAL, limit, GRACE)
    try:
        try:
            return action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # once more: the alarm may go off between the end of the action and the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if delay:
            # Never 0, which would switch the timer off.
            signal.setitimer(signal.ITIMER_REAL, max(delay - (time.monotonic() - start), 1e-3), interval)


def _raise(number: int, frame: FrameType | None) -> None:
    """The handler of the alarm."""
    raise OutOfTime


@contextmanager
def _told_when_slow(limit: float, what: str, remedy: str) -> Iterator[None]:
    """Tell the user from another thread what takes long; ``limit`` is 0 if nothing interrupts it."""
    end = f"it is given up after {limit:g} s ({TIMEOUT_VARIABLE})" if limit else f"if it hangs, end it and {remedy}"
    messages = [(PATIENCE, f"{what} has taken {PATIENCE:g} s so far; {end}")]
    if limit:
        stuck = f"does not end after {limit:g} s and cannot be interrupted: it hangs outside Python"
        messages += [(limit + GRACE, f"{what} {stuck}; run: kill -9 {os.getpid()}\nthen {remedy}")]
    done = threading.Event()

    def tell() -> None:
        start = time.monotonic()
        for seconds, text in sorted(messages):
            if done.wait(start + seconds - time.monotonic()):
                return
            sys.stderr.write(f"{text}\n")

    # a thread, because the main one is busy in the import; a daemon, so that it keeps no process alive
    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()
