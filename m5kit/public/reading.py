"""Reads items that are handed over in Python with the pipelines of a run, in threads."""

import copy
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from m5kit.data.dataset import Prepared
from m5kit.data.held import as_array, in_a_file
from m5kit.data.pipeline import Pipeline
from m5kit.data.several import each_value, passes
from m5kit.errors import DecodeError, UsageError
from m5kit.ranges import is_count
from m5kit.signatures import hint
from m5kit.structures import Inputs, Sample

CHUNK = 8
"""Items that a thread reads at once; a text takes less time than handing it to a thread."""

SLOW = 0.001
"""Seconds an item above which threads read. Below, it is mostly Python's own work, of which no two threads do more than
one: a text takes twice the time in two of them."""

AHEAD = 16
"""Chunks that are read before they are asked for: enough for two batches of the usual size."""

Pipelines = dict[str, Pipeline]


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that cannot be used.

    Attributes:
        position: among the items that were handed over.
        problem: what is wrong with it, all of it in one line.
    """

    position: int
    problem: str


Reading = Prepared | BadItem


def as_list(items: object) -> list[Any]:
    """The items that a caller hands over.

    Raises:
        ConfigError: it is nothing that holds items, or one of them.
    """
    if isinstance(items, str | bytes | Mapping):
        raise UsageError([f"items: expected a list of items, got one {type(items).__name__}; write [{{...}}]"])
    if hasattr(items, "to_dict"):  # of pandas and its kin; to go through it gives the names of columns
        raise UsageError([f"items: expected a list of items, got a {type(items).__name__}; write .to_dict('records')"])
    if not isinstance(items, Iterable):
        raise UsageError([f"items: expected a list of items, got {items!r}"])
    return list(items)


class ItemReader:
    """Makes inputs of items in memory or on disk, as training and ``m5kit embed`` do.

    Args:
        pipelines: of a run, by modality.
        fill: whether an absent modality becomes zeros that count as present (the policy ``data.missing: zero``).
        threads: how many items are read at the same time.
    """

    def __init__(self, pipelines: Mapping[str, Pipeline], fill: bool, threads: int) -> None:
        self.columns = _columns(pipelines)
        if not is_count(threads):
            raise UsageError([f"threads: expected a whole number of at least 1, got {threads!r}"])
        self.fill, self.threads = fill, threads
        # A decoder or a transform may keep state, as some tokenizers do, so no two threads share one.
        self._idle: queue.SimpleQueue[Pipelines] = queue.SimpleQueue()
        self._idle.put(_own_decoders(pipelines))
        self._made, self._making = 1, threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def read(self, items: Sequence[Any], modalities: Sequence[str], root: Path | None) -> Iterator[Reading]:
        """Every item in order, its inputs or what is wrong with it.

        Args:
            items: mappings from names of modalities to values.
            modalities: those that are read.
            root: folder that paths are relative to and must not leave; None takes them as this process does.
        """
        chunks = [range(first, min(first + CHUNK, len(items))) for first in range(0, len(items), CHUNK)]

        def read_chunk(chunk: range) -> list[Reading]:
            with self._borrowed(root) as pipelines:
                return [self._read_one(i, items[i], pipelines, modalities, root or Path.cwd()) for i in chunk]

        for number, chunk in enumerate(chunks, 1):
            begin = time.perf_counter()
            found = read_chunk(chunk)
            slow = time.perf_counter() - begin > SLOW * len(chunk)
            yield from found
            if slow and self.threads > 1 and number < len(chunks):
                yield from self._read_ahead(chunks[number:], read_chunk)
                return

    def _read_ahead(self, chunks: Sequence[range], read_chunk: Callable[[range], list[Reading]]) -> Iterator[Reading]:
        """Every item in order, read in threads before it is asked for."""
        pool, waiting = self._threads_for(len(chunks)), deque[Future[list[Reading]]]()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(read_chunk, chunk))
                # Bounded, or all inputs would be in memory before the model has seen the first.
                if len(waiting) > AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:  # of a caller that has stopped asking
                future.cancel()

    def _read_one(
        self, position: int, item: Any, pipelines: Pipelines, modalities: Sequence[str], root: Path
    ) -> Reading:
        problem = self._problem(item)
        if problem is not None:
            return BadItem(position, problem)
        sample = Sample(str(position), {name: value for name, value in item.items() if value is not None})
        read: dict[str, list[Inputs]] = {}
        problems = []
        for modality in modalities:
            pipeline = pipelines[modality]
            value = pipeline.reference(sample, modality)
            borrowed = not pipeline.join and modality not in sample.sources
            if value is None or (borrowed and not all(map(_is_file, each_value(value)))):
                continue
            try:
                read[modality] = [_prepare(pipeline, each, root) for each in pipeline.evaluated(value)]
            except DecodeError as error:
                # A clip without sound is no mistake: whoever handed it over did not promise any.
                if not borrowed:
                    problems.append(f"{modality}: {error}")
        if not problems and not read:
            problems.append(f"it has nothing of {', '.join(modalities)}")
        if problems:
            return BadItem(position, "; ".join(problems))
        inputs, *others = passes(read)
        if self.fill:
            blank = {m: pipelines[m].transform.blank() for m in modalities}
            inputs, others = blank | inputs, [blank | other for other in others]
        return Prepared(sample.id, inputs, position=position, others=tuple(others))

    def _problem(self, item: Any) -> str | None:
        """What is wrong with an item before any of its values is opened."""
        if not isinstance(item, Mapping):
            return f"expected values by modality, such as {{{self.columns[0]!r}: ...}}, got {type(item).__name__}"
        unknown = [name for name in item if name not in self.columns]
        return "; ".join(f"unknown modality {name!r}: {hint(str(name), self.columns)}" for name in unknown) or None

    @contextmanager
    def _borrowed(self, root: Path | None) -> Iterator[Pipelines]:
        """Pipelines for one thread at a time; several threads may read with one run."""
        pipelines = self._idle.get()
        try:
            for pipeline in pipelines.values():
                pipeline.decoder.anywhere = root is None
            yield pipelines
        finally:
            self._idle.put(pipelines)

    def _threads_for(self, chunks: int) -> ThreadPoolExecutor:
        """The threads of this reader, kept from call to call, and pipelines for as many of them as have work."""
        with self._making:
            while self._made < min(self.threads, chunks):
                first = self._idle.get()
                # A copy of pipelines that are idle: those of another thread may be in the middle of an item.
                self._idle.put(copy.deepcopy(first))
                self._idle.put(first)
                self._made += 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="m5kit-read")
            return self._pool


def default_threads() -> int:
    """One for each core of this process; more than eight wait for the model."""
    return min(8, len(os.sched_getaffinity(0)))


def _columns(pipelines: Mapping[str, Pipeline]) -> list[str]:
    """The keys that an item may have."""
    columns: dict[str, None] = {}  # a set that keeps the order
    for modality, pipeline in pipelines.items():
        columns |= dict.fromkeys(pipeline.columns(modality))
    return list(columns)


def _own_decoders(pipelines: Mapping[str, Pipeline]) -> Pipelines:
    """Pipelines whose decoders may be changed: those of the run belong to its evaluation."""
    own = {}
    for modality, pipeline in pipelines.items():
        own[modality] = replace(pipeline, decoder=copy.copy(pipeline.decoder))
    return own


def _prepare(pipeline: Pipeline, value: Any, root: Path) -> Inputs:
    if isinstance(value, bytes | bytearray | memoryview):
        with in_a_file(bytes(value)) as held:
            return pipeline.prepare(held, root)
    if isinstance(value, str | os.PathLike | int | float | list) or (isinstance(value, Mapping) and not _arrays(value)):
        return pipeline.prepare(value, root)
    if callable(getattr(value, "read", None)):
        raise DecodeError(f"got an open file ({type(value).__name__}); hand over its path, or what its read() gives")
    return pipeline.accept(value)


def _is_file(value: Any) -> bool:
    return isinstance(value, str | os.PathLike | bytes | bytearray | memoryview)


def _arrays(value: Mapping[Any, Any]) -> bool:
    """Whether it is no table but arrays by name."""
    return any(as_array(each) is not None for each in value.values())
