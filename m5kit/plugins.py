"""Finds the parts that installed distributions publish, from their metadata alone.

A distribution publishes a part with an entry point in the group ``m5kit.v1.<family>``: the entry point's name is the
part's name, its value ``package.module:Class``. Nothing is imported until a config names the part.
"""

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import importlib_metadata as metadata  # the standard library's returns another type before Python 3.12

from m5kit.errors import PluginError

API_VERSION = 1
GROUP = re.compile(r"m5kit\.v(\d+)\.(\w+)")
ALLOW_VARIABLE = "M5KIT_PLUGINS"


@dataclass(frozen=True, slots=True)
class PluginPart:
    """One entry point: a part that a distribution offers.

    Attributes:
        family: ``encoders``, ``fusions``, ... or ``configs``.
        name: how a config names it.
        distribution: the name on the package index.
        version: the installed version.
        api: the m5kit API version that its group names.
        target: ``package.module:Class``.
    """

    family: str
    name: str
    distribution: str
    version: str
    api: int
    target: str

    @property
    def label(self) -> str:
        """Name for messages, as ``pip`` shows it."""
        return f"{self.distribution} {self.version}"

    def load(self) -> object:
        """Import the part.

        Raises:
            PluginError: with distribution, version, entry point, root cause and remedy, whatever the import raised:
                broken binaries raise OSError or RuntimeError, not only ImportError.
        """
        entry = metadata.EntryPoint(name=self.name, value=self.target, group=f"m5kit.v{self.api}.{self.family}")
        try:
            return entry.load()
        except Exception as error:
            raise PluginError(
                f"the plugin {self.label} cannot provide {self.family[:-1]} {self.name!r}: importing {self.target} "
                f"raised {type(error).__name__}: {error}\n"
                f"Mend or update it (pip install --upgrade {self.distribution}) or choose another {self.family[:-1]}."
            ) from error


@lru_cache(maxsize=1)
def discover() -> Mapping[str, tuple[PluginPart, ...]]:
    """All published parts by family, those of another API version included; reads metadata only.

    ``M5KIT_PLUGINS`` holds a comma-separated list of allowed distributions: unset allows all, empty allows none.
    Call ``discover.cache_clear()`` after installing something in the same process.
    """
    found: dict[str, set[PluginPart]] = defaultdict(set)
    for entry in metadata.entry_points():
        match = GROUP.fullmatch(entry.group)
        if match is None or entry.dist is None or not _allowed(entry.dist.name):
            continue
        part = PluginPart(match[2], entry.name, entry.dist.name, entry.dist.version, int(match[1]), entry.value)
        found[part.family].add(part)
    return {family: tuple(sorted(parts, key=_order)) for family, parts in found.items()}


def find(family: str, name: str) -> PluginPart | None:
    """The part called ``name`` or ``distribution:name``; None if no distribution publishes it.

    Raises:
        PluginError: two distributions publish the name, or the one that does was made for another API version.
    """
    distribution, _, bare = name.rpartition(":")
    named = [
        part for part in discover().get(family, ()) if part.name == bare and distribution in ("", part.distribution)
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


def _allowed(distribution: str) -> bool:
    allowed = os.environ.get(ALLOW_VARIABLE)
    return allowed is None or distribution in (word.strip() for word in allowed.split(","))


def _order(part: PluginPart) -> tuple[str, str, int]:
    return part.name, part.distribution, part.api
