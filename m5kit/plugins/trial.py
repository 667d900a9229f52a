"""Imports plugins in another process, so that one that hangs, crashes or prints can be told from one that works."""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from m5kit.plugins.parts import PluginPart

START = 120.0
"""Seconds in which torch and m5kit must be there before the first plugin is tried."""

_CHILD = """
import json, os, sys, time
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
import m5kit.api
from m5kit.errors import PluginError
from m5kit.plugins import PluginPart
answers.write("ready\\n")
for fields in json.loads(sys.argv[1]):
    start = time.perf_counter()
    try:
        PluginPart(**fields).load()
        problem = None
    except PluginError as error:
        problem = str(error).partition("\\n")[0]
    answers.write(json.dumps([time.perf_counter() - start, problem]) + "\\n")
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """How importing a part went.

    Attributes:
        seconds: it took, once torch and m5kit were there.
        problem: what went wrong; None if nothing did.
    """

    seconds: float
    problem: str | None


def try_parts(parts: Sequence[PluginPart], limit: float) -> dict[PluginPart, Trial]:
    """Import every part; one that takes more than ``limit`` seconds is given up, the others are still tried."""
    found: dict[PluginPart, Trial] = {}
    while len(found) < len(parts):
        left = [part for part in parts if part not in found]
        found |= _try_until_one_fails_to_answer(left, limit)
    return found


def _try_until_one_fails_to_answer(parts: Sequence[PluginPart], limit: float) -> dict[PluginPart, Trial]:
    found: dict[PluginPart, Trial] = {}
    command = [sys.executable, "-c", _CHILD, json.dumps([asdict(part) for part in parts])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines = _lines(process)
        if not _next(lines, START):
            process.kill()
            return dict.fromkeys(parts, Trial(0.0, "m5kit itself cannot be imported in a new process; see m5kit list"))
        for part in parts:
            answer = _next(lines, limit)
            if answer is None:
                found[part] = Trial(limit, f"importing {part.target} did not end within {limit:g} s")
            elif not answer:
                found[part] = Trial(0.0, f"importing {part.target} ended the process (status {process.wait()})")
            else:
                found[part] = Trial(*json.loads(answer))
                continue
            break
        process.kill()
    return found


def _lines(process: "subprocess.Popen[str]") -> "queue.Queue[str]":
    """The lines of a process as they come; an empty one at its end."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    return lines


def _next(lines: "queue.Queue[str]", limit: float) -> str | None:
    try:
        return lines.get(timeout=limit)
    except queue.Empty:
        return None
