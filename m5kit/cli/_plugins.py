"""The published parts as ``m5kit plugins`` presents them: health, description, conformance."""

import inspect
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from itertools import groupby
from typing import Any

from m5kit import plugins
from m5kit.errors import PluginError
from m5kit.plugins.about import about
from m5kit.plugins.parts import PluginPart, plain_name
from m5kit.plugins.process import Answering
from m5kit.plugins.trial import try_parts
from m5kit.registry import FAMILIES

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


@dataclass(frozen=True, slots=True)
class Health:
    """One part and what keeps it from being used."""

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
    """All published parts, those that cannot be used included, by distribution."""
    found = [part for parts in plugins.discover().values() for part in parts]
    return sorted(found, key=lambda part: (part.distribution, part.family, part.name, part.api))


def health(limit: float | None) -> list[Health]:
    """Every published part with what keeps it from being used.

    Args:
        limit: seconds in which a part must import, each tried in another process; None imports nothing.
    """
    parts = every_part()
    static = {part: _static_problem(part) for part in parts}
    sound = [part for part in parts if not static[part] and part.family != CONFIGS]
    tried = try_parts(sound, limit) if limit is not None and sound else {}
    problems = {part: static[part] or (tried[part].problem if part in tried else "") or "" for part in parts}
    return [Health(part, about(part.distribution).licence, _note(part, parts), problems[part]) for part in parts]


def unread() -> list[str]:
    """Distributions that may be used, but whose metadata are damaged."""
    return [text for name, text in plugins.scan.published().problems if plugins.is_allowed(name)]


def named(name: str | None) -> list[PluginPart]:
    """The parts of the distribution ``name``, or the parts called so; all if None.

    Raises:
        PluginError: there is no such distribution and no such part.
    """
    parts = every_part()
    if name is None:
        return parts
    of = [part for part in parts if plain_name(part.distribution) == plain_name(name)]
    of = of or [part for part in parts if name in (part.name, f"{part.distribution}:{part.name}")]
    if not of:
        known = sorted({part.distribution for part in parts} | {part.name for part in parts})
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise PluginError(f"no plugin and no part of one is called {name!r}; {hint}See: m5kit plugins list")
    return of


def describe(parts: Sequence[PluginPart]) -> Iterator[str]:
    """Lines about distributions and their parts; imports the parts."""
    for distribution, group in groupby(parts, key=lambda part: part.distribution):
        found, said = list(group), about(distribution)
        yield f"{found[0].label}: {said.summary}".rstrip(": ")
        for word, value in (("licence", said.licence), ("home", said.home), ("requires", ", ".join(said.requires))):
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
        return _check_configs(part)
    with Answering(_CHECK, [part.family, f"{part.distribution}:{part.name}"]) as process:
        answer = process.answer(limit)
        if answer:
            passed, report = json.loads(answer)
            return passed, f"{what}: {report}"
        if answer is None:
            return False, f"{what}: it did not end within {limit:g} s\n  {part.mending}"
        aside = f"; it said: {process.said[-500:]}" if process.said else ""
        return False, f"{what}: the process ended ({process.end()}) before the checks did{aside}\n  {part.mending}"


def _static_problem(part: PluginPart) -> str:
    if part.api != plugins.API_VERSION:
        return f"made for m5kit API v{part.api}, this is v{plugins.API_VERSION}; install a version made for it"
    if part.family not in (*FAMILIES, CONFIGS):
        near = get_close_matches(part.family, [*FAMILIES, CONFIGS], n=1)
        hint = f"; did its author mean {near[0]!r}?" if near else ""
        return f"m5kit has no family {part.family!r}{hint}"
    return ""


def _note(part: PluginPart, parts: Sequence[PluginPart]) -> str:
    same = [p for p in parts if (p.family, p.name, p.api) == (part.family, part.name, part.api)]
    if part.family in FAMILIES and part.name in FAMILIES[part.family].built_ins:
        return f"ok, but m5kit has a {part.name!r} itself: write {part.distribution}:{part.name}"
    if len(same) > 1 and part.family != CONFIGS:
        return f"ok, but {len(same)} distributions publish this name: write {part.distribution}:{part.name}"
    return ""


def _describe_part(part: PluginPart) -> Iterator[str]:
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


def _check_configs(part: PluginPart) -> tuple[bool, str]:
    from m5kit.config.reader import read_file
    from m5kit.config.roots import PIECES, plugin_roots
    from m5kit.errors import ConfigError

    root = next((folder for label, folder in plugin_roots() if label == part.label), None)
    pieces = sorted((root / PIECES).glob("*/*.yaml")) if root else []
    problems: list[str] = []
    for path in pieces:
        try:
            keys = list(read_file(path).value)
        except ConfigError as error:
            problems += error.problems
        else:
            if keys != [path.parent.name]:
                problems.append(f"{path}: a piece defines one key, that of its folder; found {', '.join(keys)}")
    if not pieces:
        problems.append(f"there is no piece {PIECES}/KEY/NAME.yaml in {part.target}")
    counted = f"{part.label} configs/{part.name}: {len(pieces)} pieces read, {len(problems)} problems"
    return not problems, "\n  ".join([counted, *problems])
