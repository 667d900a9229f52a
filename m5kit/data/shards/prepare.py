"""Writes all shards of a data set: in parallel, from where a killed run stopped, to the same bytes."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m5kit.data.aside import written_aside
from m5kit.data.classes import CLASSES
from m5kit.data.json_values import parse_json
from m5kit.data.remote.place import Place
from m5kit.data.shard_set import (
    ABOUT,
    ANNOTATIONS,
    FAILURES,
    Shard,
    ShardSet,
    as_lines,
    as_text,
    parse_shard_set,
    shard_name,
)
from m5kit.data.shards.engines import Here, ShardEngine, ShardRows
from m5kit.data.shards.output import PARTS, Output, open_output
from m5kit.data.shards.prepared import build_preparer
from m5kit.data.shards.write import ShardJob, part_name
from m5kit.data.sources.base import Dataset
from m5kit.errors import DataError

PLAN = "plan.json"
"""The file of :data:`PARTS` that says what is being made."""

ITEMS = 1000
"""Items of a shard, unless another number is asked for."""


@dataclass(frozen=True, slots=True)
class ShardProgress:
    """How far it is.

    Attributes:
        done: shards that are finished.
        shards: how many there will be.
        items: items written by this run.
        failures: modalities of items that could not be taken in, in all finished shards.
        seconds: since this run began.
        left: seconds that the rest will take at this pace.
    """

    done: int
    shards: int
    items: int
    failures: int
    seconds: float
    left: float


@dataclass(frozen=True, slots=True)
class ShardReporter:
    """Reports each shard that is finished.

    Attributes:
        shards: how many there will be.
        before: how many were there when this run began.
        failures: in those.
        report: called after each shard.
    """

    shards: int
    before: int
    failures: int
    report: Callable[[ShardProgress], None]

    def over(self, finished: Iterable[Mapping[str, Any]]) -> None:
        """Report every shard of this run, as ``shards.json`` describes it, as soon as it comes."""
        began, written, failures, missing = time.monotonic(), 0, self.failures, self.shards - self.before
        for count, shard in enumerate(finished, start=1):
            written += shard["items"]
            failures += shard["failures"]
            seconds = time.monotonic() - began
            left = seconds / count * (missing - count)
            self.report(ShardProgress(self.before + count, self.shards, written, failures, seconds, left))


def prepare(
    dataset: Dataset,
    out: Place,
    modalities: Sequence[str],
    *,
    source: Place | None = None,
    prepared: Mapping[str, Mapping[str, Any]] | None = None,
    items: int = ITEMS,
    engine: ShardEngine | None = None,
    follow_links: bool = False,
    report: Callable[[ShardProgress], None] = lambda progress: None,
) -> ShardSet:
    """Write a folder of shards. A run that was killed goes on where it stopped.

    Args:
        dataset: has the items.
        out: a new folder or its URL, or one that a run with the same arguments began.
        modalities: the names of the items' sources.
        source: the URL of the dataset, if it was opened by one: other machines open it anew.
        prepared: by modality, what its media become (:mod:`m5kit.data.shards.prepared`); others stay as they are.
        items: how many a shard holds.
        engine: makes the shards; the result does not depend on it. None makes them in this process.
        follow_links: also read files behind links out of the data's folder.
        report: called after each shard.

    Returns:
        What ``shards.json`` says.

    Raises:
        ConfigError: ``prepared`` has mistakes.
        DataError: ``out`` holds something else, or another process is writing to it.
        RemoteError: a URL cannot be read or written.
    """
    output, plan = open_output(out), _plan(dataset, modalities, prepared or {}, items)
    finished = _check_output(output, plan)
    if finished is not None:
        return finished
    job = ShardJob(output, source or dataset.root, tuple(plan["modalities"]), plan["prepared"], follow_links)
    with output.alone():
        output.write(f"{PARTS}/{PLAN}", json.dumps(plan, ensure_ascii=False))
        _write_all(job, dataset, items, engine or Here(), report)
        return _finish(job, plan, dataset)


def _plan(
    dataset: Dataset, modalities: Sequence[str], prepared: Mapping[str, Mapping[str, Any]], items: int
) -> dict[str, Any]:
    """What decides the bytes of the shards, as JSON data."""
    settings = {name: build_preparer(given).settings() for name, given in sorted(prepared.items())}
    return {
        "source": dict(dataset.fingerprint()),
        "modalities": sorted({*modalities, *settings}),
        "items_per_shard": items,
        "prepared": settings,
    }


def _check_output(output: Output, plan: Mapping[str, Any]) -> ShardSet | None:
    """The finished shards of a folder, if they are the wanted ones; None where there is work to do.

    Raises:
        DataError: there is something else.
    """
    names = output.names()
    about = output.read(ABOUT) if ABOUT in names else None
    found = None if about is None else parse_shard_set(about, f"{output}/{ABOUT}")
    begun = output.read(f"{PARTS}/{PLAN}") if PARTS in names else None
    asked_for = found and found.plan if begun is None else _own_json(begun, f"{output}/{PARTS}/{PLAN}")
    if asked_for not in (None, plan):
        raise DataError(f"{output} holds shards of other items or with other options; name another --out")
    if found is not None and ANNOTATIONS in names:
        output.remove_parts()  # of a run that was killed at its very end
        return found
    if asked_for is None and names - {PARTS}:
        raise DataError(f"{output} is not empty and holds no shards; name a new folder")
    return None


def _write_all(
    job: ShardJob, dataset: Dataset, items: int, engine: ShardEngine, report: Callable[[ShardProgress], None]
) -> None:
    numbers = range(-(-len(dataset) // items))
    done = finished_shards(job.output)
    missing = [number for number in numbers if number not in done]
    before = [_read_part(job.output, number)["shard"] for number in numbers if number in done]
    progress = ShardReporter(len(numbers), len(before), sum(shard["failures"] for shard in before), report)
    progress.over(engine.shards(job, ShardRows(dataset, items), missing))


def finished_shards(output: Output) -> set[int]:
    """The numbers of the shards that are there: the part file of each is written last."""
    names, parts = output.names(), output.parts()
    numbers = {int(name.removesuffix(".json")) for name in parts if name.removesuffix(".json").isdecimal()}
    return {number for number in numbers if shard_name(number) in names}


def _read_part(output: Output, number: int) -> dict[str, Any]:
    text = output.read(f"{PARTS}/{part_name(number)}")
    if text is None:
        raise DataError(f"{output}: {part_name(number)} is gone while shards are written; run the command again")
    found = _own_json(text, f"{output}/{PARTS}/{part_name(number)}")
    try:
        Shard(**found["shard"])
        if not isinstance(found["rows"], list) or not isinstance(found["failures"], list):
            raise TypeError("rows and failures are no lists")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(f"{output}/{PARTS}/{part_name(number)}", error) from error
    return found


def _own_json(text: str, place: str) -> dict[str, Any]:
    """What a file says that an earlier run wrote.

    Raises:
        DataError: it is damaged.
    """
    try:
        found: dict[str, Any] = parse_json(text)
    except ValueError as error:
        raise _damaged(place, error) from error
    return found


def _damaged(place: str, error: Exception) -> DataError:
    return DataError(f"{place} is damaged ({type(error).__name__}: {error}); remove it and run the command again")


def _finish(job: ShardJob, plan: Mapping[str, Any], dataset: Dataset) -> ShardSet:
    """Put what is known about the shards together. The manifest comes last: a folder without one is not finished."""
    with job.output.workplace() as folder:
        with written_aside(folder / ANNOTATIONS) as aside:
            shards, failures = _gather(job, aside)
            found = ShardSet(plan, tuple(shards))
            if found.items != len(dataset):
                raise DataError(f"{job.output} holds {found.items} of {len(dataset)} items; run the command again")
            if failures:
                job.output.write(FAILURES, as_lines(failures))
            classes = dataset.root / CLASSES
            if classes.is_file():
                job.output.write(CLASSES, classes.read_text(encoding="utf-8"))
            job.output.write(ABOUT, as_text(found))
        job.output.take(ANNOTATIONS, folder)
    job.output.remove_parts()
    return found


def _gather(job: ShardJob, manifest: Path) -> tuple[list[Shard], list[Any]]:
    """Write the rows of all shards; the shards, and the failures in them."""
    shards: list[Shard] = []
    failures: list[Any] = []
    with manifest.open("w", encoding="utf-8") as file:
        for number in sorted(finished_shards(job.output)):
            part = _read_part(job.output, number)
            shards.append(Shard(**part["shard"]))
            failures += part["failures"]
            file.write(as_lines(part["rows"]))
    return shards, failures
