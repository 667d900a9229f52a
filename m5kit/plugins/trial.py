"""Imports plugins in another process, so that one that hangs, crashes or prints does no harm."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from m5kit.plugins.parts import PluginPart
from m5kit.plugins.process import Answering
from m5kit.plugins.scope import current_scope

START = 120.0
"""Seconds in which torch and m5kit must be imported before the first plugin is tried."""

_CHILD = """
import json, time
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
class ImportTrial:
    """The result of importing a part.

    Attributes:
        seconds: the time it took, without torch and m5kit.
        problem: what went wrong; None if nothing did.
    """

    seconds: float
    problem: str | None


def try_parts(parts: Sequence[PluginPart], limit: float) -> dict[PluginPart, ImportTrial]:
    """Import every part; one that takes more than ``limit`` seconds is ended, and the others are still tried."""
    found: dict[PluginPart, ImportTrial] = {}
    while len(found) < len(parts):  # a part may end the process; go on after it in a new one
        left = [part for part in parts if part not in found]
        found |= _try_until_one_fails_to_answer(left, limit)
    return found


def _try_until_one_fails_to_answer(parts: Sequence[PluginPart], limit: float) -> dict[PluginPart, ImportTrial]:
    """Import parts in one process; the first that does not answer is the last one tried."""
    found: dict[PluginPart, ImportTrial] = {}
    given = json.dumps([asdict(part) for part in parts])
    with Answering(_CHILD, [given], current_scope().environment()) as process:
        # nothing was tried, so no part is to blame
        if not process.answer(START):
            return dict.fromkeys(
                parts, ImportTrial(0.0, "m5kit itself cannot be imported in a new process; see m5kit list")
            )
        for part in parts:
            answer = process.answer(limit)
            if not answer:
                how = f"did not end within {limit:g} s" if answer is None else f"ended the process ({process.end()})"
                return found | {part: ImportTrial(limit, f"importing {part.target} {how}")}
            found[part] = ImportTrial(*json.loads(answer))
    return found
