"""Finds the parts that installed distributions and local files publish, without importing any of them.

A distribution publishes a part with an entry point in the group ``m5kit.v1.<family>``: the entry point's name is the
part's name, its value ``package.module:Class``. A local file publishes what it registers. Nothing is imported until a
config names the part.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from m5kit.errors import PluginError
from m5kit.plugins.local import hash_of, local_parts
from m5kit.plugins.parts import API_VERSION, PluginPart, plain_name
from m5kit.plugins.policy import ALLOW_VARIABLE, LOCAL_VARIABLE, STRICT_VARIABLE, allowed, is_strict, use
from m5kit.plugins.scan import published

__all__ = [
    "ALLOW_VARIABLE",
    "API_VERSION",
    "LOCAL_VARIABLE",
    "STRICT_VARIABLE",
    "PluginPart",
    "discover",
    "find",
    "hash_of",
    "is_allowed",
    "is_strict",
    "problems",
    "refresh",
    "same_distribution",
    "use",
]


def discover() -> Mapping[str, tuple[PluginPart, ...]]:
    """All parts by family that may be used, those of another API version included; reads metadata only.

    ``M5KIT_PLUGINS`` holds a comma-separated list of allowed distributions: unset allows all, empty allows none. A
    config's ``plugins.allow`` narrows it, its ``plugins.local`` adds files.

    Raises:
        PluginError: in strict mode (``M5KIT_STRICT_PLUGINS=1``), if anything published is broken.
    """
    return _discover(allowed(), is_strict(), local_parts())


def find(family: str, name: str) -> PluginPart | None:
    """The part called ``name`` or ``distribution:name``; None if nobody publishes it.

    Raises:
        PluginError: two distributions publish the name, or the one that does was made for another API version.
    """
    distribution, _, bare = name.rpartition(":")
    wanted = plain_name(distribution)
    named = [
        part
        for part in discover().get(family, ())
        if part.name == bare and wanted in ("", plain_name(part.distribution))
    ]
    usable = [part for part in named if part.api == API_VERSION]
    if len(usable) > 1:
        choices = " or ".join(f"{part.distribution}:{part.name}" for part in usable)
        raise PluginError(f"{len(usable)} plugins publish the {family[:-1]} {bare!r}; write {choices}")
    if named and not usable:
        raise PluginError(
            f"{named[0].label} publishes the {family[:-1]} {bare!r} for m5kit API v{named[0].api}, "
            f"this is v{API_VERSION}; install a version of {named[0].distribution} made for v{API_VERSION}"
        )
    return usable[0] if usable else None


def problems() -> tuple[str, ...]:
    """What is wrong with what is published, a sentence each: unreadable metadata, other API versions, clashes."""
    return _problems(allowed(), local_parts())


def is_allowed(distribution: str) -> bool:
    """Whether the environment and the config at hand let a distribution be used."""
    allow = allowed()
    return allow is None or plain_name(distribution) in allow


def same_distribution(one: str, other: str) -> bool:
    """Whether two names mean one distribution: case, ``-``, ``_`` and ``.`` do not count."""
    return plain_name(one) == plain_name(other)


def refresh() -> None:
    """Look again, after something was installed in the same process."""
    published.cache_clear()
    _discover.cache_clear()


@lru_cache(maxsize=4)
def _discover(
    allow: frozenset[str] | None, strict: bool, local: tuple[PluginPart, ...]
) -> Mapping[str, tuple[PluginPart, ...]]:
    if strict and (found := _problems(allow, local)):
        listed = "\n".join(f"  {problem}" for problem in found)
        raise PluginError(f"{STRICT_VARIABLE} is set and {len(found)} plugins are broken:\n{listed}")
    parts = [part for part in published().parts if allow is None or plain_name(part.distribution) in allow]
    by_family: dict[str, set[PluginPart]] = defaultdict(set)
    for part in (*parts, *local):
        by_family[part.family].add(part)
    return {family: tuple(sorted(found, key=_order)) for family, found in by_family.items()}


def _problems(allow: frozenset[str] | None, local: tuple[PluginPart, ...]) -> tuple[str, ...]:
    found = [text for name, text in published().problems if allow is None or plain_name(name) in allow]
    for family, parts in _discover(allow, False, local).items():
        publishers: dict[str, list[PluginPart]] = defaultdict(list)
        for part in parts:
            if part.api == API_VERSION:
                publishers[part.name].append(part)
            else:
                found.append(
                    f"{part.label}: the {family[:-1]} {part.name!r} is made for m5kit API v{part.api}, this is "
                    f"v{API_VERSION}; install a version made for it"
                )
        for name, several in publishers.items():
            if len(several) > 1:
                labels = " and ".join(part.label for part in several)
                found.append(f"{labels} publish the {family[:-1]} {name!r}; write one as distribution:{name}")
    return tuple(found)


def _order(part: PluginPart) -> tuple[str, str, int]:
    return part.name, part.distribution, part.api
