"""Finds the parts that installed distributions and local files publish, without importing any of them.

A distribution publishes a part with an entry point in the group ``m5kit.v1.<family>``: the entry point's name is the
part's name, its value ``package.module:Class``. A local file publishes what it registers. Nothing is imported until a
config names the part. A :class:`PluginScope` decides which of them may be used.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from m5kit.errors import PluginError
from m5kit.plugins.local import PREFIX, local_parts
from m5kit.plugins.parts import API_VERSION, PluginPart
from m5kit.plugins.scan import published
from m5kit.plugins.scope import (
    ALLOW_VARIABLE,
    LOCAL_VARIABLE,
    STRICT_VARIABLE,
    PluginScope,
    current_scope,
    hash_of,
    in_use,
    plain_name,
)

__all__ = [
    "ALLOW_VARIABLE",
    "API_VERSION",
    "LOCAL_VARIABLE",
    "STRICT_VARIABLE",
    "PluginPart",
    "PluginScope",
    "current_scope",
    "discover",
    "find",
    "hash_of",
    "in_use",
    "is_published",
    "problems",
    "refresh",
    "same_distribution",
]

Parts = Mapping[str, tuple[PluginPart, ...]]
"""Parts by family."""


def discover(scope: PluginScope | None = None) -> Parts:
    """All parts by family that may be used, including those made for another API version; reads metadata only.

    Args:
        scope: which plugins may be used; None for the scope at hand, which is the environment's where no part is being
            built: ``M5KIT_PLUGINS`` holds a comma-separated list of allowed distributions (unset allows all, empty
            allows none), ``M5KIT_LOCAL_PLUGINS`` local files.

    Raises:
        PluginError: in strict mode (``M5KIT_STRICT_PLUGINS=1``), if anything published is broken.
    """
    return _discover(scope or current_scope())


def find(family: str, name: str, scope: PluginScope | None = None) -> PluginPart | None:
    """The part called ``name`` or ``distribution:name``; None if nobody publishes it.

    Raises:
        PluginError: two distributions publish the name, or the one that does was made for another API version.
    """
    distribution, _, bare = name.rpartition(":")
    named = [part for part in discover(scope).get(family, ()) if part.name == bare]
    if distribution:
        named = [part for part in named if same_distribution(part.distribution, distribution)]
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


def problems(scope: PluginScope | None = None) -> tuple[str, ...]:
    """A sentence for each problem of what is published: unreadable metadata, other API versions, name clashes."""
    return _problems(scope or current_scope())


def same_distribution(one: str, other: str) -> bool:
    """Whether two names mean the same distribution; case and the difference of ``-``, ``_`` and ``.`` are ignored."""
    return plain_name(one) == plain_name(other)


def is_published(module: str) -> bool:
    """Whether the module belongs to a local file or to a distribution that publishes parts, allowed or not."""
    return module.startswith(PREFIX) or module.partition(".")[0] in _published_packages()


def refresh() -> None:
    """Forget what was found, after something was installed in the same process."""
    published.cache_clear()
    _published_packages.cache_clear()
    _discover.cache_clear()


@lru_cache(maxsize=8)
def _discover(scope: PluginScope) -> Parts:
    """The parts of a scope; remembered, because every look-up of a name asks for them."""
    parts = _parts(scope)
    if scope.strict and (found := _problems(scope)):
        listed = "\n".join(f"  {problem}" for problem in found)
        raise PluginError(f"{STRICT_VARIABLE} is set and {len(found)} plugins are broken:\n{listed}")
    return parts


def _parts(scope: PluginScope) -> Parts:
    """The parts of a scope by family, each family in a fixed order."""
    # Sets, because one distribution can be found twice on the path.
    by_family: dict[str, set[PluginPart]] = defaultdict(set)
    for part in published().parts:
        if scope.allows(part.distribution):
            by_family[part.family].add(part)
    for part in local_parts(scope.files):
        by_family[part.family].add(part)
    return {family: tuple(sorted(found, key=_order)) for family, found in by_family.items()}


def _problems(scope: PluginScope) -> tuple[str, ...]:
    """What is wrong in a scope; see :func:`problems`."""
    found = [text for name, text in published().problems if scope.allows(name)]
    for family, parts in _parts(scope).items():
        found += _family_problems(family, parts)
    return tuple(found)


def _family_problems(family: str, parts: tuple[PluginPart, ...]) -> Iterator[str]:
    """Parts for another API version, and names that several plugins publish."""
    publishers: dict[str, list[PluginPart]] = defaultdict(list)
    for part in parts:
        if part.api == API_VERSION:
            publishers[part.name].append(part)
        else:
            yield (
                f"{part.label}: the {family[:-1]} {part.name!r} is made for m5kit API v{part.api}, this is "
                f"v{API_VERSION}; install a version made for it"
            )
    for name, several in publishers.items():
        if len(several) > 1:
            labels = " and ".join(part.label for part in several)
            yield f"{labels} publish the {family[:-1]} {name!r}; write one as distribution:{name}"


@lru_cache(maxsize=1)
def _published_packages() -> frozenset[str]:
    """Top-level packages that hold published parts."""
    return frozenset(part.target.partition(":")[0].partition(".")[0] for part in published().parts)


def _order(part: PluginPart) -> tuple[str, str, int]:
    return part.name, part.distribution, part.api
