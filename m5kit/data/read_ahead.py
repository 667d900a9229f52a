"""Fetches the files of the next items while the present ones are used, in the order in which they will be needed."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from torch.utils.data import Sampler

from m5kit.data.manifest import Manifest
from m5kit.data.remote.ahead import CONNECTIONS, named_files
from m5kit.data.remote.copies import bring, mirror_of
from m5kit.data.remote.room import limit_in_bytes
from m5kit.data.sampler import Draw, SequentialSampler, StepSampler
from m5kit.data.shard_set import Shard, read_shard_set, shard_name
from m5kit.data.tars.index import index_path
from m5kit.data.token_batches import TokenSampler
from m5kit.errors import ConfigError

ITEMS = 2000
"""Items to look ahead, where no window of shards says how many."""

Batches: TypeAlias = StepSampler | TokenSampler | SequentialSampler

FilesOf: TypeAlias = Callable[[int], Sequence[str]]
"""The files of an item, as paths in a mirror."""


class ReadAhead(Sampler[list[Draw]]):
    """The batches of another sampler, each handed out when its files are here.

    The process that draws the batches fetches the files, so an error of the network is its error, and the workers find
    everything on the disk.

    Args:
        sampler: which items make a batch.
        files_of: the files of an item.
        items: how many items to look ahead.

    Attributes:
        is_waiting: whether a batch is held up by its files; the workers have nothing to do then.
    """

    def __init__(self, sampler: Batches, files_of: FilesOf, items: int = ITEMS) -> None:
        self.sampler, self.files_of, self.items = sampler, files_of, items
        self.is_waiting = False

    def skip(self, batches: int) -> None:
        """Begin after so many batches, of a sampler for training."""
        self.sampler.skip(batches)  # type: ignore[union-attr]  # only training asks

    def __len__(self) -> int:
        return len(self.sampler)  # type: ignore[arg-type]  # that of training has no end

    def __iter__(self) -> Iterator[list[Draw]]:
        pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="m5kit-fetch")
        try:
            yield from self._batches(pool)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _batches(self, pool: ThreadPoolExecutor) -> Iterator[list[Draw]]:
        waiting: deque[list[Draw]] = deque()
        files = _Fetched(pool)
        ahead = 0
        for batch in self.sampler:
            for draw in batch:
                files.ask(self.files_of(draw.index))
            waiting.append(batch)
            ahead += len(batch)
            while ahead > self.items:
                ahead -= len(waiting[0])
                yield self._complete(waiting.popleft(), files)
        while waiting:
            yield self._complete(waiting.popleft(), files)

    def _complete(self, batch: list[Draw], files: "_Fetched") -> list[Draw]:
        self.is_waiting = True
        for draw in batch:
            files.wait(self.files_of(draw.index))
        self.is_waiting = False
        return batch


class _Fetched:
    """Files that are being fetched, each once however many of the items ahead need it.

    Args:
        pool: fetches them.
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool
        self._running: dict[str, tuple[Future[Any], int]] = {}

    def ask(self, paths: Sequence[str]) -> None:
        for path in paths:
            known = self._running.get(path)
            future = self.pool.submit(bring, path) if known is None else known[0]
            self._running[path] = (future, 1 if known is None else known[1] + 1)

    def wait(self, paths: Sequence[str]) -> None:
        for path in paths:
            future, count = self._running.pop(path)
            if count > 1:
                self._running[path] = (future, count - 1)
            future.result()


def read_ahead(sampler: Batches, samples: Any, window: int | None) -> ReadAhead | Batches:
    """The same batches, their files fetched ahead if the items lie behind a URL.

    Args:
        sampler: which items make a batch.
        samples: the items.
        window: how many shards a sampler for training mixes at a time; None for all, or for items in order.

    Raises:
        ConfigError: the copies on this machine may not take what is needed at a time.
    """
    mirror = mirror_of(os.path.join(samples.root, "")) if isinstance(samples, Manifest) else None
    if mirror is None:
        return sampler
    shards = read_shard_set(samples.root)
    mixed = not isinstance(sampler, SequentialSampler)
    if shards is None:
        return ReadAhead(sampler, _in_rows(samples))
    if mixed:
        _require_room(mirror.remote.url, shards.shards, window)
    items = max(shard.items for shard in shards.shards) * (window or 1)
    return ReadAhead(sampler, _in_shards(samples), items)


def _require_room(url: str, shards: Sequence[Shard], window: int | None) -> None:
    """See that what is mixed at a time, and what is fetched meanwhile, fits into the room for copies."""
    limit, sizes = limit_in_bytes(), [shard.bytes for shard in shards]
    if window is None and sum(sizes) > limit:
        raise ConfigError(
            [
                f"data.window: all items of {url} are mixed, which takes {sum(sizes) / 1e9:.3g} GB, and "
                f"copies may take {limit / 1e9:g} GB; mix some shards at a time with --set data.window=8, or allow "
                "more with M5KIT_REMOTE_GB"
            ]
        )
    needed = 2 * (window or 0) * max(sizes)
    if min(needed, sum(sizes)) > limit:
        raise ConfigError(
            [
                f"data.window: two times {window} shards of up to {max(sizes) / 1e9:.3g} GB are more than the "
                f"{limit / 1e9:g} GB that copies may take; lower data.window, or allow more with M5KIT_REMOTE_GB"
            ]
        )


def _in_shards(samples: Manifest) -> FilesOf:
    """The shard of an item, told by its number, without reading its row."""
    ends = np.cumsum(samples.dataset.blocks())
    numbers = ends.searchsorted(samples.chosen, side="right")
    tars = [samples.root / shard_name(number) for number in range(len(ends))]
    files = [(str(index_path(tar)), str(tar)) for tar in tars]
    return lambda index: files[numbers[index]]


def _in_rows(samples: Manifest) -> FilesOf:
    """The files that the row of an item names."""
    return lambda index: named_files(samples[index], samples.root)
