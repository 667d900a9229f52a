"""What a finished run was made of, in the few words that a report has room for."""

from collections.abc import Iterator, Mapping
from typing import Any

from m5kit.errors import CheckpointError
from m5kit.runs import checkpoint
from m5kit.runs.damage import STATE
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json
from m5kit.runs.origin import of_another_run
from m5kit.runs.study import RunOrigin

SHOWN = 10
"""Letters of a fingerprint or a commit; so few are different in practice, and a reader can compare them."""


def read_origin(folder: RunFolder, config: Mapping[str, Any]) -> RunOrigin:
    """Look up the origin of a run; what the folder does not tell is left empty.

    Args:
        folder: of the run.
        config: its own, as plain data.
    """
    try:
        provenance = read_json(folder.provenance)
    except CheckpointError:
        provenance = {}  # a run of another program, or an older one; its results can still be shown
    try:
        return RunOrigin(
            data=_data(provenance.get("data", {}), config.get("data") or {}),
            steps=_steps(folder, config.get("schedule") or {}),
            versions=dict(_versions(provenance)),
        )
    except (CheckpointError, KeyError, TypeError, ValueError, AttributeError):
        return RunOrigin()  # what it says is not what a run of m5kit would


def doubts(folder: RunFolder) -> str | None:
    """Why the files of a run may not belong together, as a sentence; None where they do, or nothing tells.

    Args:
        folder: of the run.
    """
    try:
        if folder.provenance.exists():
            read_json(folder.provenance)
        step = checkpoint.newest_step(folder.checkpoints)
        used = checkpoint.BEST if (folder.checkpoints / checkpoint.BEST).is_dir() else f"step_{step or 0:07d}"
        state = folder.checkpoints / used / STATE
        problem = of_another_run(read_json(state), folder.path) if state.exists() else None
    except CheckpointError as error:
        return str(error)
    return None if problem is None else f"{used} does not belong to the run as it is now: {problem}"


def _data(fingerprint: Mapping[str, Any], section: Mapping[str, Any]) -> str:
    names = [str(section.get("root") or ""), str(fingerprint.get("manifest") or "")]
    parts = ["/".join(filter(None, names))]
    if "items" in fingerprint:
        parts.append(f"{fingerprint['items']:,} items")
    digest = fingerprint.get("content") or fingerprint.get("sha256")  # of tar files only one tells what they hold
    if digest:
        parts.append(f"sha256 {digest[:SHOWN]}")
    return ", ".join(filter(None, parts))


def _steps(folder: RunFolder, schedule: Mapping[str, Any]) -> str:
    """Steps of the checkpoint that was evaluated: the best one where the run kept it, else the last."""
    # from the name: opening a checkpoint of gigabytes for one number would take longer than the report
    done, planned = checkpoint.newest_step(folder.checkpoints), schedule.get("max_steps")
    if done is None:
        return ""
    best = folder.checkpoints / checkpoint.BEST
    if best.is_dir():
        return f"{int(read_json(best / 'state.json')['step']):,}, the best of {done:,}"
    # a run whose length is given in minutes or passes planned no number of steps
    if planned in (None, done) or any(schedule.get(key) is not None for key in ("minutes", "epochs")):
        return f"{done:,}"
    return f"{done:,} of {planned:,}"


def _commit(git: Mapping[str, Any]) -> str:
    """The commit in brackets, and whether files differed from it; nothing outside a repository."""
    if "commit" not in git:
        return ""
    modified = ", modified" if git["dirty"] else ""
    return f" ({git['commit'][:SHOWN]}{modified})"


def _versions(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, version in _named_versions(provenance):
        if not isinstance(version, str):
            raise TypeError(f"{name}: expected a text, got {version!r}")
        yield name, version


def _named_versions(provenance: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    own = provenance.get("m5kit", {})
    if "version" in own:
        yield "m5kit", own["version"] + _commit(own.get("git") or {})
    for plugin in provenance.get("plugins", ()):
        yield plugin["distribution"], plugin["version"][:SHOWN]
    if "python" in provenance:
        yield "Python", provenance["python"]
    yield from provenance.get("libraries", {}).items()
