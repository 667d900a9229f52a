"""Processes of this machine that share work; they leave signals to the process that started them, and end with it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Any, TypeVar

from m5kit.errors import DataError

T = TypeVar("T")

STOPS = (signal.SIGINT, signal.SIGTERM)
"""What asks a whole process group to end."""


class Processes:
    """A pool, for use in a ``with`` block. At its end what has begun is finished, and what waits is dropped.

    Args:
        number: of processes.
    """

    def __init__(self, number: int) -> None:
        # spawned, not forked: the caller may hold threads of torch or of a decoder
        self._pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_end_with_parent)

    def submit(self, act: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have a function of a module called in one of the processes."""
        with signals_held():
            return self._pool.submit(act, *arguments)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise DataError(
                "one of several processes was ended from outside, as the system does when memory is used up; "
                "take fewer processes"
            ) from error


@contextmanager
def signals_held() -> Iterator[None]:
    """Start processes that do not see Ctrl-C or SIGTERM, which reach a whole group.

    A process that dies of one would break what it works for, with a traceback, while this one ends in order. The
    signals wait for the end of the block here, and in what is started inside until that lets them through.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def handlers_held() -> Iterator[None]:
    """Let what Python does at Ctrl-C or SIGTERM wait for the end of the block.

    A mask, as in :func:`signals_held`, does not do that: the system gives a signal to any thread that lets it through,
    and Python then calls its handler in the main thread. Other threads are never interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    ours = [number for number in STOPS if callable(signal.getsignal(number))]
    before = {number: signal.signal(number, lambda each, _: came.append(each)) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in dict.fromkeys(came):
            signal.raise_signal(each)


def _end_with_parent() -> None:
    """See that this process ends when the one that started it is killed: nobody else would tell it."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)  # whatever is being written is aside, and the next run removes it

    threading.Thread(target=watch, daemon=True).start()
