"""What makes the shards: this process, a pool of processes, or a Ray cluster; all of them by one function of rows."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from m5kit.data.processes import Processes
from m5kit.data.shards.write import ShardJob, write_shard
from m5kit.data.sources.base import Dataset
from m5kit.structures import Sample

AHEAD = 2
"""Shards that wait for each process: their rows are in memory."""


@dataclass(frozen=True, slots=True)
class ShardRows:
    """The items of a dataset, shard by shard.

    Attributes:
        dataset: has them.
        items: how many a shard holds.
    """

    dataset: Dataset
    items: int

    def of(self, number: int) -> list[Sample]:
        """Those of one shard."""
        first = number * self.items
        return [self.dataset[index] for index in range(first, min(first + self.items, len(self.dataset)))]


class ShardEngine(Protocol):
    """Makes shards, in any order."""

    def shards(self, job: ShardJob, rows: ShardRows, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """What ``shards.json`` says about each shard, as soon as it is finished."""


class Here:
    """Makes one shard after the other."""

    def shards(self, job: ShardJob, rows: ShardRows, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """In the order of their numbers."""
        for number in numbers:
            yield write_shard(job, number, rows.of(number))


class Pool:
    """Makes shards in processes of this machine.

    Args:
        jobs: how many.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def shards(self, job: ShardJob, rows: ShardRows, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """As they are finished."""
        with Processes(self.jobs) as pool:
            waiting: set[Future[dict[str, Any]]] = set()
            left = iter(numbers)
            while True:
                # a few at a time: the rows of all shards would fill the memory
                for number in islice(left, AHEAD * self.jobs - len(waiting)):
                    waiting.add(pool.submit(write_shard, job, number, rows.of(number)))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for finished in done:
                    yield finished.result()
