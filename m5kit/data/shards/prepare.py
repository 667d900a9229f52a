"""Writes all shards of a data set: in parallel, from where a killed run stopped, to the same bytes."""

import fcntl
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

from m5kit.data.classes import CLASSES
from m5kit.data.json_values import parse_json
from m5kit.data.shard_set import (
    ANNOTATIONS,
    FAILURES,
    Shard,
    ShardSet,
    as_lines,
    read_shard_set,
    shard_name,
    write_shard_set,
    write_whole,
)
from m5kit.data.shards.prepared import build_preparer
from m5kit.data.shards.write import ShardJob, write_shard
from m5kit.data.sources.base import Dataset
from m5kit.errors import DataError

PARTS = ".parts"
ITEMS = 1000
"""Items of a shard, unless another number is asked for."""

AHEAD = 2
"""Shards that wait for each process: their rows are in memory."""


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


def prepare(
    dataset: Dataset,
    out: Path,
    modalities: Sequence[str],
    *,
    prepared: Mapping[str, Mapping[str, Any]] | None = None,
    items: int = ITEMS,
    jobs: int = 1,
    follow_links: bool = False,
    report: Callable[[ShardProgress], None] = lambda progress: None,
) -> ShardSet:
    """Write a folder of shards. A run that was killed goes on where it stopped.

    Args:
        dataset: has the items.
        out: a new folder, or one that a run with the same arguments began.
        modalities: the names of the items' sources.
        prepared: by modality, what its media become (:mod:`m5kit.data.shards.prepared`); others stay as they are.
        items: how many a shard holds.
        jobs: processes; the result does not depend on it.
        follow_links: also read files behind links out of the data's folder.
        report: called after each shard.

    Returns:
        What ``shards.json`` says.

    Raises:
        ConfigError: ``prepared`` has mistakes.
        DataError: ``out`` holds something else, or another process is writing to it.
    """
    plan = _plan(dataset, modalities, prepared or {}, items)
    finished = _check_out(out, plan)
    if finished is not None:
        return finished
    parts = out / PARTS
    job = ShardJob(out, parts, dataset.root, tuple(plan["modalities"]), plan["prepared"], follow_links)
    with _only_writer(out, parts, plan):
        _write_all(job, dataset, items, jobs, report)
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


def _check_out(out: Path, plan: Mapping[str, Any]) -> ShardSet | None:
    """The finished shards in ``out``, if they are the wanted ones; None where there is work to do."""
    begun = out / PARTS / "plan.json"
    found = read_shard_set(out)
    asked_for = parse_json(begun.read_text(encoding="utf-8")) if begun.is_file() else found and found.plan
    if asked_for not in (None, plan):
        raise DataError(f"{out} holds shards of other items or with other options; name another --out")
    if found is not None and (out / ANNOTATIONS).is_file():
        shutil.rmtree(out / PARTS, ignore_errors=True)  # of a run that was killed at its very end
        return found
    if asked_for is not None:
        return None
    if out.exists() and (not out.is_dir() or any(file.name != PARTS for file in out.iterdir())):
        raise DataError(f"{out} is not empty and holds no shards; name a new folder")
    return None


@contextmanager
def _only_writer(out: Path, parts: Path, plan: Mapping[str, Any]) -> Iterator[None]:
    """Keep other processes out; the lock goes with this one, however it ends."""
    parts.mkdir(parents=True, exist_ok=True)
    with (parts / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"another process is writing shards to {out}; wait for it, or stop it") from None
        for folder in (out, parts):
            for left in folder.glob("*.part"):  # what a killed run was writing
                left.unlink(missing_ok=True)
        write_whole(parts / "plan.json", json.dumps(plan, ensure_ascii=False))
        yield


def _write_all(job: ShardJob, dataset: Dataset, items: int, jobs: int, report: Callable[[ShardProgress], None]) -> None:
    numbers = range(-(-len(dataset) // items))
    missing = [number for number in numbers if not _is_done(job, number)]
    before = sorted(set(numbers) - set(missing))
    failures = sum(_read_part(job, number)["shard"]["failures"] for number in before)
    began, written = time.monotonic(), 0
    for count, number in enumerate(_written(job, dataset, missing, items, jobs), start=1):
        shard = _read_part(job, number)["shard"]
        written += shard["items"]
        failures += shard["failures"]
        seconds = time.monotonic() - began
        left = seconds / count * (len(missing) - count)
        report(ShardProgress(len(before) + count, len(numbers), written, failures, seconds, left))


def _written(job: ShardJob, dataset: Dataset, missing: Sequence[int], items: int, jobs: int) -> Iterator[int]:
    """The numbers of shards, each once it is on the disk."""

    def rows(number: int) -> list[Any]:
        return [dataset[index] for index in range(number * items, min((number + 1) * items, len(dataset)))]

    if jobs == 1:
        for number in missing:
            write_shard(job, number, rows(number))
            yield number
        return
    # spawned, not forked: the caller may hold threads of torch or of a decoder
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        waiting: dict[Future[None], int] = {}
        left = iter(missing)
        while True:
            # a few at a time: the rows of all shards would fill the memory
            for number in islice(left, AHEAD * jobs - len(waiting)):
                waiting[pool.submit(write_shard, job, number, rows(number))] = number
            if not waiting:
                return
            for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                done.result()
                yield waiting.pop(done)


def _end_with_parent() -> None:
    """See that this process ends when the one that started it is killed: nobody else would tell it."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)  # whatever is being written is aside, and the next run removes it

    threading.Thread(target=watch, daemon=True).start()


def _is_done(job: ShardJob, number: int) -> bool:
    """Whether a shard is on the disk: its part file is written last."""
    return job.part(number).is_file() and (job.out / shard_name(number)).is_file()


def _read_part(job: ShardJob, number: int) -> dict[str, Any]:
    found: dict[str, Any] = parse_json(job.part(number).read_text(encoding="utf-8"))
    return found


def _finish(job: ShardJob, plan: Mapping[str, Any], dataset: Dataset) -> ShardSet:
    """Put what is known about the shards together. The manifest comes last: a folder without one is not finished."""
    shards: list[Shard] = []
    aside = job.parts / f"{ANNOTATIONS}.part"
    failures: list[Any] = []
    with aside.open("w", encoding="utf-8") as file:
        number = 0
        while _is_done(job, number):
            part = _read_part(job, number)
            shards.append(Shard(**part["shard"]))
            failures += part["failures"]
            file.write(as_lines(part["rows"]))
            number += 1
    found = ShardSet(plan, tuple(shards))
    if found.items != len(dataset):
        raise DataError(f"{job.out} holds {found.items} of {len(dataset)} items; run the command again")
    if failures:
        write_whole(job.out / FAILURES, as_lines(failures))
    classes = dataset.root / CLASSES
    if classes.is_file():
        shutil.copyfile(classes, job.out / CLASSES)
    write_shard_set(job.out, found)
    os.replace(aside, job.out / ANNOTATIONS)
    shutil.rmtree(job.parts)
    return found
