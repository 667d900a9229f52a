"""Makes shards on a Ray cluster: Ray Data maps their numbers to shards, each process one at a time."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from m5kit.data.shards.engines import ShardRows
from m5kit.data.shards.write import ShardJob, write_shard
from m5kit.data.sources.base import Dataset
from m5kit.parallel.ray_cluster import join_ray, rows_of, workers


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
        self.jobs: int = workers(self.ray, sys.maxsize)["concurrency"]

    def shards(self, job: ShardJob, rows: ShardRows, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """As they are finished."""
        if not numbers:
            return
        # one shard a block, so that a process that is done takes the next one, and a lost process costs one shard
        wanted = self.ray.data.from_items(list(numbers), override_num_blocks=len(numbers))
        made = wanted.map(
            ShardMaker,
            fn_constructor_args=(job, self.open_items, rows.items),
            **workers(self.ray, len(numbers)),
        )
        for row in rows_of(self.ray, made):
            yield json.loads(row["shard"])


class ShardMaker:
    """What a process of the cluster keeps between two shards.

    Args:
        job: what shards are made of.
        open_items: opens the dataset.
        items: how many a shard holds.
    """

    def __init__(self, job: ShardJob, open_items: Callable[[], Dataset], items: int) -> None:
        self.job, self.rows = job, ShardRows(open_items(), items)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Make the shard of a number."""
        number = int(row["item"])
        # as text: Ray Data would look for one type of column in the values of all shards
        return {"shard": json.dumps(write_shard(self.job, number, self.rows.of(number)))}
