"""Processes that train together must train the same: each says what it has, and all compare it with the first."""

import platform
from collections.abc import Mapping
from typing import Any

from m5kit.api import Dataset
from m5kit.config import Resolved
from m5kit.errors import ConfigError, UsageError
from m5kit.parallel.group import Group
from m5kit.runs.beginning import by_key
from m5kit.runs.log import LOGGER
from m5kit.runs.software import LIBRARIES, REQUIRED, software

_OWN = ("data.root", "data.workers")
"""Keys that each machine may set for itself."""
_MAY_DIFFER = {"Python", *LIBRARIES} - {"torch"}
"""Software of which another version is only told."""


def require_same_plan(group: Group, resolved: Resolved) -> None:
    """See that all processes have one config, one m5kit, one torch and the same plugins, before anything is written.

    Args:
        group: of the run.
        resolved: the config of this process.

    Raises:
        ConfigError: on all of them; names every key and every library that differs.
    """
    if group.size == 1:
        return
    settings = {key: repr(value) for key, value in by_key(resolved.values).items() if key not in _OWN}
    problems = _differences(group, settings)
    for name, difference in _differences(group, software(resolved)).items():
        if name in _MAY_DIFFER or name.endswith(REQUIRED):
            LOGGER.warning("%s: %s; what it computes may differ", name, difference)
        else:
            problems[name] = difference
    if problems:
        advice = "start all processes with the same config and the same software"
        raise ConfigError([f"{key}: {difference}; {advice}" for key, difference in problems.items()])


def require_same_items(group: Group, dataset: Dataset) -> None:
    """See that all processes have the items of the first.

    Raises:
        ConfigError: on all of them; names the process that has others.
    """
    found = {key: repr(value) for key, value in dataset.fingerprint().items()}
    advice = "give all machines the same items, or let them read one folder"
    problems = [f"data, {key}: {difference}; {advice}" for key, difference in _differences(group, found).items()]
    if problems:
        raise UsageError(problems)


def _differences(group: Group, own: Mapping[str, Any]) -> dict[str, str]:
    """By key, one process that has something else than the first, and what; the same on all processes."""
    hosts, (first, *others) = group.values(platform.node()), group.values(dict(own))
    found: dict[str, str] = {}
    for rank, other in enumerate(others, start=1):
        for key in first.keys() | other.keys():
            theirs, ours = other.get(key, "nothing"), first.get(key, "nothing")
            if theirs != ours:
                found.setdefault(key, f"process {rank} on {hosts[rank]} has {theirs}, the first one has {ours}")
    return dict(sorted(found.items()))
