"""How a run begins and goes on: what is written down of it first, and what must be the same later."""

import json
from collections.abc import Mapping
from typing import Any

from m5kit.config import Resolved, dump
from m5kit.config.reader import read_data, read_value
from m5kit.config.sections import defaults
from m5kit.config.tree import to_plain
from m5kit.errors import CheckpointError, ConfigError, UsageError
from m5kit.plugins.known import remember
from m5kit.runs.folder import REMEDY, RunFolder
from m5kit.runs.json import write_json, write_whole
from m5kit.runs.log import LOGGER
from m5kit.runs.provenance import collect, require_plugins

_FREE_ON_RESUME = (
    *("checkpoint.", "parallel.", "logging.", "validation.", "evaluation"),
    *("data.val", "data.workers", "data.root", "data.item_", "data.follow_links", "data.accept_changes"),
)
"""Beginnings of the keys that may change, because the weights do not depend on them."""
_AGAINST_DIVERGENCE = ("schedule.lr", "schedule.clip", "schedule.precision")
"""What a run that diverged is told to change; it then goes on as another run would have, and says so."""
_DIGEST = 40
"""Characters from which on a value is shown by its beginning: most names are shorter, digests are not."""
_IN_EVERY_RUN = ("name", "seed", "data", "schedule")


def begin_run(folder: RunFolder, resolved: Resolved, fingerprint: Mapping[str, Any]) -> None:
    """Write provenance and config; with its config a folder is a run, so that comes last.

    Args:
        folder: of the new run.
        resolved: its config.
        fingerprint: of its items.
    """
    remember(resolved.plugins.files)
    write_json(folder.provenance, collect(resolved, fingerprint))
    write_whole(folder.config, dump(resolved).encode())


def require_resumable(folder: RunFolder, resolved: Resolved) -> None:
    """See that a run can go on to the weights that it would have had without the interruption.

    Raises:
        CheckpointError: a plugin that it was trained with is missing or another one, or the config of the run is none.
        ConfigError: the config differs from that of the run; names every key.
    """
    require_plugins(folder.read(folder.provenance))
    remember(resolved.plugins.files)
    # a key that m5kit did not have then has its default, which leaves a run as it was
    before = by_key(defaults()) | by_key(_config_of(folder))
    now = by_key(to_plain(read_value(dump(resolved), resolved.source)))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    problems = []
    for key in changed:
        if key in _AGAINST_DIVERGENCE or key.startswith(_FREE_ON_RESUME):
            continue
        problems.append(
            f"{key}: the run in {folder.path} has {before.get(key)!r}, now it is {now.get(key)!r}; "
            "a run resumes as it began"
        )
    if problems:
        raise ConfigError(problems)
    for key in set(changed).intersection(_AGAINST_DIVERGENCE):
        LOGGER.warning("%s was %s and is %s from here on", key, before.get(key), now.get(key))


def _config_of(folder: RunFolder) -> Mapping[str, Any]:
    """The config of a run, which has some sections in every version of m5kit."""
    config: Mapping[str, Any] = read_data(folder.config)
    lacking = [key for key in _IN_EVERY_RUN if not isinstance(config, Mapping) or key not in config]
    if lacking:
        raise CheckpointError(f"{folder.config} has no {', '.join(lacking)}: it was changed or cut; {REMEDY}")
    return config


def require_same_data(folder: RunFolder, fingerprint: Mapping[str, Any], accept: bool) -> None:
    """See that a run goes on with the items that it began with; accepted changes are written into its provenance.

    Args:
        folder: of the run.
        fingerprint: of the items as they are now.
        accept: go on with other items.

    Raises:
        ConfigError: the items have changed, and that is not accepted.
    """
    provenance = folder.read(folder.provenance)
    before, changed = provenance.get("data"), changed_items(provenance, fingerprint)
    if changed is None:
        return
    if not accept:
        raise UsageError(
            [
                f"the items changed since the run in {folder.path} began: {changed}; "
                "restore them, or go on with the changed ones with --set data.accept_changes=true"
            ]
        )
    LOGGER.warning("the items changed since the run began; it goes on with the changed ones")
    earlier = [*provenance.get("data_before", []), before]
    write_json(folder.provenance, {**provenance, "data": dict(fingerprint), "data_before": earlier})


def changed_items(provenance: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> str | None:
    """What tells the items of now from those that a provenance knows; None if they are the same.

    Args:
        provenance: of a run.
        fingerprint: of the items as they are now; what an earlier version did not write down of them is not compared.
    """
    before, now = provenance.get("data"), json.loads(json.dumps(dict(fingerprint)))  # tuples are lists there
    if before is None or (isinstance(before, dict) and before and {**now, **before} == now):
        return None
    if not isinstance(before, dict) or not before:
        return f"{before} then, {now} now"
    changed = (key for key in before if before[key] != now.get(key))
    return "; ".join(f"{key} {_brief(before[key])} then, {_brief(now.get(key))} now" for key in changed)


def _brief(value: Any) -> str:
    """A part of a fingerprint in a sentence: the beginning of a digest tells it from another one."""
    text = str(value)
    return text if len(text) < _DIGEST else f"{text[:12]}..."


def by_key(tree: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a config by dotted key."""
    if not isinstance(tree, Mapping):
        return {prefix.removesuffix("."): tree}
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= by_key(value, f"{prefix}{key}.")
    return flat
