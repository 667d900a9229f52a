"""Runs an import for a limited time: one that hangs is given up where Python can interrupt it, and named elsewhere."""

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
"""Seconds after the limit; then it is tried again, and the user is told that it does not help."""

Result = TypeVar("Result")


class OutOfTime(BaseException):
    """The limit has passed. No ``Exception``, so that an ``except Exception`` in what hangs does not keep it."""


def import_limit() -> float:
    """Seconds that importing a plugin may take; 0 for no limit.

    Raises:
        PluginError: the environment says something else than a number.
    """
    said = os.environ.get(TIMEOUT_VARIABLE, "")
    try:
        seconds = float(said or TIMEOUT)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise PluginError(f"{TIMEOUT_VARIABLE}: expected seconds, 0 for no limit; got {said!r}")
    return seconds


def within(limit: float, action: Callable[[], Result], what: str, remedy: str) -> Result:
    """The result of ``action``.

    Only the main thread of a Unix process can be interrupted, and only while it runs Python or waits for the system.

    Args:
        limit: seconds it may take; 0 for no limit.
        action: what may hang.
        what: names it in messages.
        remedy: what a user can do about it.

    Raises:
        OutOfTime: it took longer.
    """
    is_main = threading.current_thread() is threading.main_thread()
    interruptible = limit > 0 and is_main and hasattr(signal, "setitimer")
    with _told_when_slow(limit if interruptible else 0, what, remedy):
        return _interrupted_after(limit, action) if interruptible else action()


def _interrupted_after(limit: float, action: Callable[[], Result]) -> Result:
    """Nested calls, and an alarm that somebody else has set, get their handler and the rest of their time back."""
    start = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _raise)
    delay, interval = signal.setitimer(signal.ITIMER_REAL, limit, GRACE)  # again: a bare except may keep the first
    try:
        try:
            return action()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # twice, for an alarm that strikes just after the action and before the line above
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if delay:
            signal.setitimer(signal.ITIMER_REAL, max(delay - (time.monotonic() - start), 1e-3), interval)


def _raise(number: int, frame: FrameType | None) -> None:
    raise OutOfTime


@contextmanager
def _told_when_slow(limit: float, what: str, remedy: str) -> Iterator[None]:
    """Say from another thread what takes long; ``limit`` is 0 where nothing interrupts it."""
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

    threading.Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        done.set()
