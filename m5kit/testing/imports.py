"""Imports modules in another process and reports the time that it took and its side effects."""

import json
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass

from m5kit.errors import PluginError
from m5kit.plugins import current_scope

PATIENCE = 120.0
"""Seconds after which an import counts as hanging; torch itself may take many on a busy machine."""

_PROBE = """
import io, json, sys, time
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
import m5kit.api

names = json.loads(sys.argv[1])
watched = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system"}
events = []
sys.addaudithook(lambda event, arguments: events.append(event) if event in watched else None)
for name in names:
    events.clear()
    output = io.StringIO()
    start = time.perf_counter()
    try:
        with redirect_stdout(output), redirect_stderr(output):
            import_module(name)
        problem = None
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    print(json.dumps([name, seconds, sorted(set(events)), output.getvalue()[:200], problem]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class ImportFacts:
    """What importing one module did, after torch and m5kit were there.

    Attributes:
        seconds: on the clock.
        events: connections and processes it opened, by the names of Python's audit events.
        output: the beginning of what it printed.
        problem: what it raised.
    """

    seconds: float
    events: tuple[str, ...]
    output: str
    problem: str | None


_known: dict[str, ImportFacts] = {}


def import_facts(module: str, together_with: Collection[str] = ()) -> ImportFacts:
    """Facts about importing ``module``; those of ``together_with`` are found in the same process and remembered.

    Raises:
        PluginError: the import hangs.
    """
    if module not in _known:
        # starting Python and importing torch takes seconds, so one process imports all modules that are asked for
        others = [other for other in together_with if other not in _known and other != module]
        _probe([module, *others])
    return _known[module]


def _probe(modules: list[str]) -> None:
    """Import the modules in a new process and remember what it reports."""
    command = [sys.executable, "-c", _PROBE, json.dumps(modules)]
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
            env=current_scope().environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise PluginError(f"importing {modules[0]} did not end within {PATIENCE:g} s") from error
    for line in answer.stdout.splitlines():
        name, seconds, events, output, problem = json.loads(line)
        _known[name] = ImportFacts(seconds, tuple(events), output, problem)
    for name in modules:  # those that the process did not get to
        ended = f"the process ended with status {answer.returncode}: {answer.stderr.strip()[-300:]}"
        _known.setdefault(name, ImportFacts(0.0, (), "", ended))
