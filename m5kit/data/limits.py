"""Bounds what one item may take in a loader's worker: time and memory; the item fails, the run goes on."""

import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from m5kit.errors import DecodeError

AGAIN = 1.0
"""Seconds after which an item over its time is interrupted once more: libraries swallow exceptions too."""


class ItemTimeoutError(DecodeError):
    """An item takes longer than it may."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt what runs inside after ``seconds``, in a worker or in a process that reads without workers.

    What is inside of native code is interrupted when it returns; a worker that never does is given up by the loader.
    There is no limit in a thread, where no signal arrives, and where somebody else uses the process's alarm.

    Raises:
        ItemTimeoutError: the time is over.
    """
    if not seconds or not _alarm_is_free():
        yield
        return

    def stop(number: int, frame: Any) -> NoReturn:
        raise ItemTimeoutError(f"it takes longer than data.item_seconds={seconds:g}")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def without_limit() -> Iterator[None]:
    """Stop the clock of :func:`time_limit` for what is no work on an item, such as to wait for a network."""
    if threading.current_thread() is not threading.main_thread():  # the clock is not that of this thread
        yield
        return
    left, again = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left, again)


def _alarm_is_free() -> bool:
    unused = signal.getsignal(signal.SIGALRM) in (signal.SIG_DFL, signal.SIG_IGN)
    return unused and threading.current_thread() is threading.main_thread()


def limit_memory(gigabytes: float | None) -> None:
    """Let this process take so much more memory than it has now; asking for more is a MemoryError.

    Only private memory counts: what torch shares with other processes, and files that are mapped, do not. Linux only.
    """
    if not gigabytes or sys.platform != "linux":
        return
    wanted = _private_bytes() + int(gigabytes * 2**30)
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def allow_open_files(wanted: int) -> bool:
    """Let this process open as many files as the machine allows it; whether these are ``wanted``.

    The usual limit of 1,024 is there for programs that count files in bits. A loader needs two files for each tensor
    that a worker hands over.
    """
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:  # some systems refuse so many
        most = max(soft, wanted)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most >= wanted


def _private_bytes() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
