"""How evenly the processes of a run share what its items cost: the one with most, over the mean of all.

A process that has less waits for the one with most. Neighbours of the shuffled order are what items would be shared out
by if nobody looked at them. Costs are the numbers that a model reads, see ``m5kit/data/item_costs.py``; nothing is
trained. The last column is what it takes a process to share out a step by cost, after the first pass over the items.

Run: python benchmarks/even_shares.py --data demo [--config demo/scale] [--steps 50]
Data: m5kit data make-demo demo --items 600
"""

import argparse
import time
from itertools import islice

import numpy as np
from _arguments import at_least, check_batches

from m5kit.assembly.data import RunData
from m5kit.assembly.loader import train_sampler
from m5kit.config import RunConfig, check_config, load_config
from m5kit.data.item_costs import ItemCosts
from m5kit.data.sampler import Costs

CASES = ((2, 64), (8, 64), (8, 256), (16, 256))
"""Processes, and items in a step over all of them."""


def main() -> None:
    """Print a row for each number of processes and items."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=at_least(1), default=50)
    arguments = parser.parse_args()
    check_batches(arguments.config, [], arguments.data, CASES[-1][1])
    print("| processes | items in a step | neighbours | by cost | ms a step |\n|--:|--:|--:|--:|--:|")
    for processes, items in CASES:
        overrides = [f"schedule.batch_size={items}"]
        config = check_config(load_config(arguments.config, overrides, arguments.data))
        data = RunData.fitted(config)
        costs = ItemCosts(data.training_items, data.pipelines)
        costs(np.arange(len(data.training_items)))
        before, _ = most(config, data, None, costs, processes, arguments.steps)
        after, seconds = most(config, data, costs, costs, processes, arguments.steps)
        print(f"| {processes} | {items} | {before:.3f} | {after:.3f} | {1000 * seconds:.2f} |")


def most(
    config: RunConfig, data: RunData, dealt: Costs | None, costs: Costs, processes: int, steps: int
) -> tuple[float, float]:
    """The largest share over the mean, as a mean over steps; and seconds that a process takes to share a step out."""
    load = np.zeros((processes, steps))
    began = time.process_time()
    for rank in range(processes):
        sampler = train_sampler(config, data.training_items, costs=dealt, rank=rank, world_size=processes)
        for step, draws in enumerate(islice(sampler, steps)):
            load[rank, step] = costs(np.array([draw.index for draw in draws])).sum()
    seconds = (time.process_time() - began) / processes / steps
    return float((load.max(0) / load.mean(0)).mean()), seconds


if __name__ == "__main__":
    main()
