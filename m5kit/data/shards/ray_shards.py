"""Makes shards on a Ray cluster: Ray Data maps their numbers to shards, each process one at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from m5kit.data.shards.engines import ShardRows
from m5kit.data.shards.write import ShardJob, write_shard
from m5kit.data.sources.base import Dataset
from m5kit.parallel.ray_cluster import join_ray, over, processors

ShardKey: TypeAlias = tuple[str, int]


class RayShards:
    """Makes shards on all processors of a cluster, whose machines see source and output under the same names.

    Args:
        open_items: opens the dataset; every process of the cluster does so once.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no cluster at ``RAY_ADDRESS``.
    """

    def __init__(self, open_items: Callable[[], Dataset]) -> None:
        self.ray = join_ray("--engine ray")
        self.open_items = open_items
        self.jobs = processors(self.ray)

    def shards(self, job: ShardJob, rows: ShardRows, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """As they are finished."""
        if not numbers:
            return
        make = partial(make_shard, job=job, open_items=self.open_items, items=rows.items)
        yield from over(self.ray, numbers, make)


_opened: dict[ShardKey, ShardRows] = {}
"""What this process of the cluster keeps between two shards."""


def make_shard(number: int, *, job: ShardJob, open_items: Callable[[], Dataset], items: int) -> dict[str, Any]:
    """Make one shard, in a process of the cluster.

    Args:
        number: of the shard.
        job: what shards are made of.
        open_items: opens the dataset.
        items: how many a shard holds.

    Returns:
        What ``shards.json`` says about it.
    """
    key = (str(job.source), items)
    if key not in _opened:
        _opened[key] = ShardRows(open_items(), items)
    return write_shard(job, number, _opened[key].of(number))
