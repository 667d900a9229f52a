"""A child process that may hang, crash, print or leave children behind, and that answers in separate lines."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO

_PREAMBLE = """
import os, sys
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
"""
TAIL = 4096
"""The number of characters of a process's output that are stored, the last ones."""


class Answering:
    r"""Runs Python ``source``, which writes its answers as lines to a file ``answers``; other output is kept apart.

    It cannot read from the terminal. At the end of the ``with`` block it is killed with every process that it started.

    Args:
        source: Python code.
        arguments: ``sys.argv[1:]`` of the process.
        environment: its variables; None for those of this process.

    Example:
        >>> with Answering("print('noise'); answers.write('42\\n'); sys.exit(3)") as process:
        ...     process.answer(60), process.answer(60), process.end(), process.output
        ('42\n', '', 'status 3', 'noise')
    """

    def __init__(
        self, source: str, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PREAMBLE + source, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # a group of its own, so that it can be killed with its children
            start_new_session=True,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._printed: deque[str] = deque(maxlen=TAIL)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._queue_answers, args=[self._process.stdout], daemon=True),
            threading.Thread(target=self._keep_output, args=[self._process.stderr], daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> "Answering":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if hasattr(os, "killpg"):
            with suppress(OSError):  # it may have ended, with all its children
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def answer(self, limit: float) -> str | None:
        """The next line; an empty one at the end, None if there is none in ``limit`` seconds."""
        try:
            return self._answers.get(timeout=limit)
        except queue.Empty:
            return None

    def end(self) -> str:
        """How the process ended, once it has: ``status 3`` or ``SIGSEGV``."""
        status = self._process.wait()
        return f"status {status}" if status >= 0 else signal.Signals(-status).name

    @property
    def output(self) -> str:
        """The last of what it printed, once it has ended."""
        self._readers[1].join(timeout=1)
        return "".join(self._printed).strip()

    # Both pipes are read by threads: a child that fills one while we wait for the other would never go on.

    def _queue_answers(self, pipe: IO[str]) -> None:
        """Collect the answers; an empty one marks the end."""
        for line in pipe:
            self._answers.put(line)
        self._answers.put("")

    def _keep_output(self, pipe: IO[str]) -> None:
        """Store the last of what the process prints."""
        while text := pipe.read(TAIL):
            self._printed.extend(text)
