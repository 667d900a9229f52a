"""Runs one trial, ``python -m m5kit.ablation.worker FOLDER``: its commands one after another, and how they ended.

``trial.json`` of the folder holds ``train`` (a command), ``evaluate`` (one for further views, or null), ``seconds``
(limit for both, or null) and ``environment`` (variables to set).
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from m5kit.data.files import open_own
from m5kit.data.json_values import parse_json
from m5kit.errors import CheckpointError, M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json
from m5kit.runs.sweep_folder import TrialFolder, TrialStatus

ATTACHED = "--attached"
"""Ends with whoever holds the other end of standard input, also when that process is killed."""


def run_trial(path: Path, attached: bool = False) -> None:
    """Run the trial from its first step unless it has ended already; a trial that was cut off leaves nothing behind.

    Args:
        path: the trial's folder.
        attached: stop, with all processes of the trial, when standard input ends.
    """
    children, abandoned = _Children(), threading.Event()
    if attached:
        threading.Thread(target=_end_with_parent, args=(children, abandoned), daemon=True).start()
    folder = TrialFolder(path)
    with folder.locked() as lock:
        if folder.status.state in ("done", "failed"):
            return
        folder.set_status(TrialStatus("running"))
        shutil.rmtree(folder.run.path, ignore_errors=True)
        try:
            status = _run(folder, folder.read(folder.task), children, lock)
        except _TrialError as failure:
            status = TrialStatus("failed", str(failure))
        if not abandoned.is_set():  # a trial that was cut off with its sweep has not failed
            folder.set_status(status)


class _TrialError(Exception):
    """A command of the trial ended badly."""


class _Children:
    """The one group of processes that runs now, and a way to end it."""

    def __init__(self) -> None:
        self._now: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()
        self._closed = False

    def start(self, command: Sequence[str], **keywords: Any) -> subprocess.Popen[bytes]:
        """Start the next process, in a group of its own."""
        with self._guard:
            if self._closed:
                raise _TrialError("stopped before its next process started")
            self._now = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **keywords)
            return self._now

    def end(self) -> None:
        """Kill it with all that it started, and start no other."""
        with self._guard, suppress(ProcessLookupError):
            self._closed = True
            if self._now is not None and self._now.returncode is None:
                os.killpg(self._now.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class _Usage:
    seconds: float
    memory: int


def _run(folder: TrialFolder, task: Mapping[str, Any], children: _Children, lock: IO[str]) -> TrialStatus:
    with open_own(folder.log, "w") as log, _TimeLimit(task["seconds"], children) as budget:
        # the child holds the lock too: should this process be killed alone, nobody enters the folder beside it
        shared: dict[str, Any] = {
            "stdout": log,
            "stderr": log,
            "env": {**os.environ, **task["environment"]},
            "pass_fds": [lock.fileno()],
        }
        cost = _wait(children.start(task["train"], **shared), budget, folder.log)
        if task["evaluate"] is not None:
            _wait(children.start(task["evaluate"], **shared), budget, folder.log)
    return TrialStatus("done", None, cost.seconds, cost.memory, count_parameters(folder.run))


class _TimeLimit:
    """Ends a trial that takes too long.

    Args:
        seconds: for all of its processes; None for no limit.
        children: to end.
    """

    def __init__(self, seconds: float | None, children: _Children) -> None:
        self.seconds = seconds
        self.children = children
        self.spent = False
        self._timer = threading.Timer(seconds or 0, self._end)

    def __enter__(self) -> "_TimeLimit":
        if self.seconds is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.spent = True
        self.children.end()


def _wait(process: subprocess.Popen[bytes], budget: _TimeLimit, log: Path) -> _Usage:
    began = time.monotonic()
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if budget.spent:
        raise _TrialError(f"stopped: it took longer than its budget of {budget.seconds:g} s")
    if process.returncode:
        raise _TrialError(_reason(process.returncode, log))
    unit = 1 if sys.platform == "darwin" else 1024
    return _Usage(time.monotonic() - began, usage.ru_maxrss * unit)


def count_parameters(run: RunFolder) -> int | None:
    """Parameters of the model in the last checkpoint of a run, shared ones counted once; None if it cannot be told.

    A checkpoint of an older version does not tell; there all numbers in it are counted. A safetensors file begins with
    the length of a JSON header that gives the shape of every tensor.
    """
    files = sorted(run.checkpoints.glob("*/model.safetensors"))
    if not files:
        return None
    try:
        return _parameters_in(files[-1])
    # a damaged checkpoint: whoever loads it says so, and a report can do without the number
    except (CheckpointError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _parameters_in(weights: Path) -> int:
    state = weights.with_name("state.json")
    told = read_json(state).get("parameters") if state.exists() else None
    if told is not None:
        return int(told)
    with weights.open("rb") as file:
        size = min(int.from_bytes(file.read(8), "little"), weights.stat().st_size)
        header: dict[str, Any] = parse_json(file.read(size))
    return sum(int(math.prod(tensor["shape"])) for name, tensor in header.items() if name != "__metadata__")


def _reason(code: int, log: Path) -> str:
    """The message of m5kit, else the last line, else the signal."""
    if code < 0:
        hint = " (was there enough memory?)" if code == -signal.SIGKILL else ""
        return f"killed by {signal.Signals(-code).name}{hint}"
    output = log.read_text(encoding="utf-8", errors="replace").strip()
    _, marked, message = f"\n{output}".rpartition("\nerror: ")
    lines = output.splitlines() or [f"it ended with status {code} and without any output"]
    return message if marked else lines[-1]


def _end_with_parent(children: _Children, abandoned: threading.Event) -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock would break the end of a trial that is done
        pass
    abandoned.set()
    children.end()
    os._exit(1)  # the main thread may wait for a lock


if __name__ == "__main__":
    try:
        run_trial(Path(sys.argv[1]), ATTACHED in sys.argv[2:])
    except (OSError, M5KitError) as problem:  # a full disk, which leaves no room for a status either
        sys.exit(f"error: {problem}")
