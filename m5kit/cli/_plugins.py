"""The published parts as ``m5kit plugins`` prints them: whether they work, descriptions, conformance."""

import inspect
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from m5kit import plugins
from m5kit.errors import PluginError
from m5kit.plugins import PluginPart
from m5kit.plugins.about import about
from m5kit.plugins.process import Answering
from m5kit.plugins.scan import published
from m5kit.plugins.trial import try_parts
from m5kit.registry import FAMILIES
from m5kit.signatures import suggestion

CONFIGS = "configs"
_CHECK = """
import json
from m5kit.errors import M5KitError
from m5kit.testing import ConformanceError, check
try:
    passed, report = True, str(check(sys.argv[1], sys.argv[2]))
except (ConformanceError, M5KitError) as error:
    passed, report = False, str(error)
answers.write(json.dumps([passed, report]) + "\\n")
"""
_CHECK_PIECES = """
import json
from m5kit.config.pieces import check_pieces
from m5kit.plugins import PluginPart, current_scope
count, problems = check_pieces(PluginPart(**json.loads(sys.argv[1])), current_scope())
report = "\\n  ".join([f"{count} pieces read, {len(problems)} problems", *problems])
answers.write(json.dumps([not problems, report]) + "\\n")
"""


@dataclass(frozen=True, slots=True)
class Health:
    """One part, and the problem that makes it unusable, if there is one."""

    part: PluginPart
    licence: str
    note: str
    problem: str

    def as_row(self) -> tuple[str, ...]:
        """Cells of a table."""
        part = self.part
        state = f"broken: {self.problem}" if self.problem else self.note or "ok"
        return part.distribution, part.version, f"v{part.api}", self.licence, part.family, part.name, state

    def as_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return asdict(self.part) | {"licence": self.licence, "note": self.note, "problem": self.problem or None}


def every_part() -> list[PluginPart]:
    """All published parts, usable or not, ordered by distribution."""
    found: list[PluginPart] = []
    for parts in plugins.discover().values():
        found += parts
    return sorted(found, key=lambda part: (part.distribution, part.family, part.name, part.api))


def health(limit: float | None) -> list[Health]:
    """Every published part with the problem that makes it unusable, if there is one.

    Args:
        limit: seconds in which a part must import, each tried in another process; None imports nothing.
    """
    parts = every_part()
    static = {part: _static_problem(part) for part in parts}
    # a part of configs names a folder, so there is nothing to import
    sound = [part for part in parts if not static[part] and part.family != CONFIGS]
    tried = try_parts(sound, limit) if limit is not None and sound else {}
    found = []
    for part in parts:
        problem = static[part] or (tried[part].problem if part in tried else None) or ""
        found.append(Health(part, about(part.distribution).licence, _note(part, parts), problem))
    return found


def unread() -> list[str]:
    """A sentence for each allowed distribution whose metadata cannot be read."""
    scope = plugins.current_scope()
    return [text for name, text in published().problems if scope.allows(name)]


def named(name: str | None) -> list[PluginPart]:
    """The parts of the distribution ``name``, or the parts of that name; all if None.

    Raises:
        PluginError: there is no such distribution and no such part.
    """
    parts = every_part()
    if name is None:
        return parts
    found = [part for part in parts if plugins.same_distribution(part.distribution, name)]
    if not found:
        found = [part for part in parts if name in (part.name, f"{part.distribution}:{part.name}")]
    if not found:
        known: set[str] = set()
        for part in parts:
            known |= {part.distribution, part.name}
        hint = " ".join(filter(None, [suggestion(name, sorted(known)), "see: m5kit plugins list"]))
        raise PluginError(f"no plugin and no part of one is called {name!r}; {hint}")
    return found


@contextmanager
def in_use_with(name: str | None) -> Iterator[str | None]:
    """Use the local plugin, too, that ``name`` may mean; gives the name by which :func:`named` finds its parts."""
    if name is None or not name.endswith(".py"):
        yield name
        return
    file = os.path.realpath(name)  # Path.resolve raises at a link to itself
    with plugins.in_use(plugins.current_scope().with_files([file])):
        yield file


def describe(parts: Sequence[PluginPart]) -> Iterator[str]:
    """Lines about distributions and their parts; imports the parts."""
    # groupby joins neighbours only; the parts come ordered by distribution
    for distribution, group in groupby(parts, key=lambda part: part.distribution):
        found, metadata = list(group), about(distribution)
        yield f"{found[0].label}: {metadata.summary}".rstrip(": ")
        requires = ", ".join(metadata.requires)
        for word, value in (("licence", metadata.licence), ("home", metadata.home), ("requires", requires)):
            if value:
                yield f"  {word}: {value}"
        for part in found:
            yield f"\n{part.family}/{part.name} = {part.target} (m5kit API v{part.api})"
            yield from _describe_part(part)


def check_part(part: PluginPart, limit: float) -> tuple[bool, str]:
    """Run the conformance kit on one part in another process; whether it passed, and the report."""
    what = f"{part.label} {part.family}/{part.name}"
    problem = _static_problem(part)
    if problem:
        return False, f"{what}: {problem}"
    if part.family == CONFIGS:
        source, arguments = _CHECK_PIECES, [json.dumps(asdict(part))]
    else:
        source, arguments = _CHECK, [part.family, f"{part.distribution}:{part.name}"]
    with Answering(source, arguments, plugins.current_scope().environment()) as process:
        answer = process.answer(limit)
        if answer:
            passed, report = json.loads(answer)
            return passed, f"{what}: {report}"
        if answer is None:
            return False, f"{what}: it did not end within {limit:g} s (--limit allows more)\n  {part.fix}"
        aside = f"; it printed: {process.output[-500:]}" if process.output else ""
        return False, f"{what}: the process ended ({process.end()}) before the checks did{aside}\n  {part.fix}"


def _static_problem(part: PluginPart) -> str:
    """A problem that shows without importing the part; empty if there is none."""
    if part.api != plugins.API_VERSION:
        return f"made for m5kit API v{part.api}, this is v{plugins.API_VERSION}; install a version made for it"
    if part.family not in (*FAMILIES, CONFIGS):
        hint = suggestion(part.family, [*FAMILIES, CONFIGS]).replace("you", "its author")
        return "; ".join(filter(None, [f"m5kit has no family {part.family!r}", hint]))
    return ""


def _note(part: PluginPart, parts: Sequence[PluginPart]) -> str:
    """What to write if the bare name of a working part means another one; empty if it does not."""
    same = [p for p in parts if (p.family, p.name, p.api) == (part.family, part.name, part.api)]
    if part.family in FAMILIES and part.name in FAMILIES[part.family].built_ins:
        return f"ok, but m5kit has a {part.name!r} itself: write {part.distribution}:{part.name}"
    if len(same) > 1 and part.family != CONFIGS:
        return f"ok, but {len(same)} distributions publish this name: write {part.distribution}:{part.name}"
    return ""


def _describe_part(part: PluginPart) -> Iterator[str]:
    """Arguments and documentation of one part, or the reason why it cannot be imported."""
    problem = _static_problem(part)
    if problem or part.family == CONFIGS:
        yield f"  {problem or 'pieces and leaves of configs'}"
        return
    try:
        found = FAMILIES[part.family].get(f"{part.distribution}:{part.name}")
    except PluginError as error:
        yield f"  {error}"
        return
    for parameter in inspect.signature(found).parameters.values():
        yield f"  {parameter}"
    yield inspect.getdoc(found) or "It has no documentation."
