"""Reads the entry points of every installed distribution; a damaged one is reported and never raises."""

import re
from dataclasses import dataclass
from functools import lru_cache

import importlib_metadata as metadata  # the standard library's differs between versions of Python

from m5kit.plugins.parts import PluginPart
from m5kit.plugins.scope import plain_name

_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)
GROUP = re.compile(r"m5kit\.v(\d+)\.(\w+)")


@dataclass(frozen=True, slots=True)
class Published:
    """The plugins in the environment.

    Attributes:
        parts: of every distribution.
        problems: names of distributions with unreadable metadata, each with a sentence.
    """

    parts: tuple[PluginPart, ...]
    problems: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def published() -> Published:
    """Every part that a distribution on the path publishes; the first of two copies of a distribution counts."""
    parts: list[PluginPart] = []
    problems: list[tuple[str, str]] = []
    seen: set[str] = set()
    for distribution in metadata.Distribution.discover():
        # a search in the text first: parsing the entry points of hundreds of distributions takes much longer
        text = _read(distribution, "entry_points.txt")
        if "m5kit.v" not in text:
            continue
        name, version = _identity(distribution)
        if plain_name(name) in seen:
            continue
        seen.add(plain_name(name))
        try:
            parts += _parts(name, version, distribution.entry_points)
        except Exception as error:  # the file may hold anything
            problems.append((name, f"{name} {version}: its entry points cannot be read ({error}); reinstall it"))
    return Published(tuple(parts), tuple(problems))


def _parts(name: str, version: str, entries: metadata.EntryPoints) -> list[PluginPart]:
    """The parts among the entry points of one distribution."""
    parts = []
    for entry in entries:
        group = GROUP.fullmatch(entry.group)
        if group is not None:
            parts.append(PluginPart(group[2], entry.name, name, version, int(group[1]), entry.value))
    return parts


def _identity(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version from the first lines of the metadata; parsing all of it would cost much more."""
    # a source checkout on the path has an .egg-info folder, whose file has another name than a wheel's
    text = _read(distribution, "METADATA") or _read(distribution, "PKG-INFO")
    found = dict(_HEADER.findall(text.partition("\n\n")[0]))
    return found.get("Name", "an unnamed distribution"), found.get("Version", "(no version)")


def _read(distribution: metadata.Distribution, name: str) -> str:
    """One file of a distribution's metadata; empty if it cannot be read."""
    try:
        return distribution.read_text(name) or ""
    except (OSError, UnicodeDecodeError):
        return ""
