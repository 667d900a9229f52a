"""What sharing a step out costs: two processes with half of a batch each against one process with all of it.

Every arm is started by torchrun, one thread a process, and takes the same steps on the same items of the demo's model.
What is printed is the processor time of a step on the process that needs most, so a process that waits for another one,
or for a core that something else holds, counts nothing; next to it stands the time on the clock, which is right only
on a machine with a free core for each process. The first arm is run twice: what its two runs differ by is the noise.

Run: OMP_NUM_THREADS=1 python benchmarks/ranks.py --data demo [--batch 64] [--set KEY=VALUE]...
     (--set parallel.shard=true for the price of shards)
Data: m5kit data make-demo demo --items 600
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import torch
from _arguments import at_least, check_batches

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.parallel.group import Group
from m5kit.parallel.start import start_group
from m5kit.training.optim import build_optimizer
from m5kit.training.setup import hold
from m5kit.training.step import TrainStep

SKIPPED = 1
"""Steps before the first that counts: they make the optimizer's state, and find their peers."""


def measure(arguments: argparse.Namespace) -> None:
    """One process of an arm; the first prints the figures of all."""
    group = start_group(timeout=600)
    torch.set_num_threads(1)
    overrides = ["data.workers=0", f"schedule.batch_size={arguments.batch}", *arguments.overrides]
    config = check_config(load_config(arguments.config, overrides, arguments.data))
    data = RunData.fitted(config)
    loader = data.train_loader(group.rank, group.size)
    batches = [batch for batch, _ in zip(loader, range(SKIPPED + arguments.steps), strict=False)]
    torch.manual_seed(config.seed)
    model = build_model(config, data.transforms, data.classes).train()
    schedule, replica = config.schedule, hold(model, group, config.parallel.shard)
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay, replica=replica)
    step = TrainStep(
        model, optimizer, schedule.clip, schedule.precision, config.seed, group, arguments.batch, replica=replica
    )
    with group.joined():
        steps = group.values([_timed(step, batch, group) for batch in batches])
    if group.first:
        print(json.dumps(steps))


def _timed(step: TrainStep, batch, group: Group) -> tuple[float, float]:
    """Seconds of a step: of the processor, and on the clock."""
    group.wait()
    used, began = time.process_time(), time.perf_counter()
    step([batch])
    return time.process_time() - used, time.perf_counter() - began


def arm(arguments: argparse.Namespace, processes: int) -> tuple[float, float]:
    """Median seconds of a step on its slowest process: of the processor, and on the clock."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [*launcher, __file__, "--measure", "--data", arguments.data, "--config", arguments.config]
    command += ["--batch", str(arguments.batch), "--steps", str(arguments.steps)]
    for override in arguments.overrides:
        command += ["--set", override]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    by_process = json.loads(done.stdout.splitlines()[-1])
    used, clock = [], []
    for of_step in list(zip(*by_process, strict=True))[SKIPPED:]:
        used.append(max(seconds for seconds, _ in of_step))
        clock.append(max(seconds for _, seconds in of_step))
    return statistics.median(used), statistics.median(clock)


def compare(arguments: argparse.Namespace) -> None:
    """Print the table and the ratios."""
    check_batches(arguments.config, arguments.overrides, arguments.data, arguments.batch)
    arms = {
        "one process": arm(arguments, 1),
        "two processes": arm(arguments, 2),
        "one again (noise)": arm(arguments, 1),
    }
    one = arms["one process"]
    print(f"{'batch ' + str(arguments.batch):<20}{'processor s':>12}{'of one':>8}{'clock s':>10}{'of one':>8}")
    for name, (used, clock) in arms.items():
        print(f"{name:<20}{used:12.3f}{used / one[0]:8.2f}{clock:10.3f}{clock / one[1]:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch", type=at_least(2), default=64)
    parser.add_argument("--steps", type=at_least(1), default=7)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measure(arguments) if arguments.measure else compare(arguments)


if __name__ == "__main__":
    main()
