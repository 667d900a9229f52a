"""Tells values of a run from those of another, and of its weights as they are from those that it had before."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from m5kit.errors import CheckpointError
from m5kit.runs import checkpoint
from m5kit.runs.damage import STATE
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import read_json
from m5kit.runs.origin import BEGUN, beginning

OF = "of"
"""Key of values in ``results.json`` and ``views.json``: what they were computed from; earlier versions wrote none."""
STEP = "step"
_AGAIN = "remove it, and evaluate the subsets again"


def values_of(folder: RunFolder) -> dict[str, Any]:
    """What values that are computed now belong to: how the run began, and the step of its weights."""
    return {BEGUN: beginning(folder.path), STEP: _step(folder)}


def not_of(values: Any, file: Path) -> str | None:
    """Why stored values do not fit the run in whose folder they lie, as a sentence; None if they do, or nothing tells.

    Args:
        values: of ``file``, with what they belong to.
        file: ``results.json`` or ``views.json`` of a run.
    """
    told = of_another(values, file)
    if told is None:
        before, now = _of(values).get(STEP), _step(RunFolder(file.parent))
        if None not in (before, now) and before != now:
            told = f"its values are of step {before}, and the weights of the run are now of step {now}"
    if told is None:
        return None
    remedy = _AGAIN
    if file.name == RunFolder(file.parent).results.name:
        remedy = f"run: m5kit evaluate {file.parent}"
    return f"{file.name}: {told}; {remedy}"


def of_another(values: Any, file: Path) -> str | None:
    """That stored values are of another run than the one in whose folder they lie; None if nothing says so.

    Args:
        values: of ``file``, with what they belong to.
        file: ``results.json`` or ``views.json`` of a run.
    """
    stored, begun = _of(values).get(BEGUN), beginning(file.parent)
    if None in (stored, begun) or stored == begun:
        return None
    return "its values are of another run, which began with another config, seed or items"


def own_views(folder: RunFolder) -> dict[str, Any]:
    """The values in ``views.json`` by subset; nothing if there is none.

    Raises:
        CheckpointError: the file is damaged, or holds values of another run, which are not to be mixed with its own.
    """
    remedy = _AGAIN
    stored = read_json(folder.views, remedy) if folder.views.exists() else {}
    for values in stored.values():
        told = of_another(values, folder.views)
        if told is not None:
            raise CheckpointError(f"{folder.views}: {told}; {remedy}")
    return stored


def strangers(folder: RunFolder) -> Iterator[str]:
    """A sentence for each file of values in a run folder that does not fit the run; a damaged one is told elsewhere."""
    for file in (folder.results, folder.views):
        try:
            found = read_json(file) if file.exists() else {}
        except CheckpointError:
            continue
        told = (not_of(values, file) for values in ([found] if file == folder.results else found.values()))
        yield from islice(filter(None, told), 1)


def _of(values: Any) -> Mapping[str, Any]:
    """What stored values say that they belong to; nothing where they say something else."""
    found = values.get(OF) if isinstance(values, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _step(folder: RunFolder) -> int | None:
    """The step of the weights that a run is used with, from names and one small file; None where nothing tells."""
    best = folder.checkpoints / checkpoint.BEST
    try:
        return int(read_json(best / STATE)[STEP]) if best.is_dir() else checkpoint.newest_step(folder.checkpoints)
    except (CheckpointError, KeyError, TypeError, ValueError):
        return None
