"""How much of this core's matrix rate a training step reaches, with the fixed cost that it has whatever the batch.

The floating-point operations of matrix products, convolutions and attention of a step, forward and backward, over its
processor time, as a share of what square matrix products reach on the same core in the same run. The fixed cost is what
is left of a straight line through the times of a small and a large batch at no items. Batches are made before the clock
starts. Run it on one thread.

Run: OMP_NUM_THREADS=1 python benchmarks/step.py [--data demo] [--config demo/scale] [--rounds 7]
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from _arguments import at_least
from _measure import of_this_process, spread
from torch.utils.flop_counter import FlopCounterMode

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.data.demo.make import make_demo
from m5kit.parallel.allocation import keep_freed_memory
from m5kit.runs.folder import RunFolder
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep

GOAL = 0.55
SIZE = 1024
"""Side of the matrices of the reference."""


def main() -> None:
    """Print the share and the fixed cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", help="default: a demo set that is made up for this")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--rounds", type=at_least(2), default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = arguments.data
        if data is None:
            data = folder / "demo"
            make_demo(data, items=128, seed=0, workers=1)
        large, small = steps(arguments.config, str(data), arguments.overrides, folder)
        measure(large, small, arguments.rounds)


def steps(name: str, data: str, overrides: list[str], folder: Path) -> list[Callable[[], object]]:
    """A step of the config's batch, and one of a quarter of it, of the same model."""
    overrides = ["data.workers=0", *overrides]
    config = check_config(load_config(name, overrides, data))
    run_data = RunData.prepare(config, RunFolder.create(folder / "run"))
    torch.manual_seed(config.seed)
    model = build_model(config, run_data.transforms, run_data.classes)
    model.train()
    schedule = config.schedule
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay)
    step = TrainStep(model, optimizer, schedule.clip, schedule.precision, config.seed)
    batch = next(iter(run_data.train_loader()))
    quarter = batch.chunks(len(batch) // 4)[0]
    return [lambda: step([batch]), lambda: step([quarter])]


def measure(large: Callable[[], object], small: Callable[[], object], rounds: int) -> None:
    """Time the steps and the reference in turns."""
    with FlopCounterMode(display=False) as counter:
        large()
    left, right, product = (torch.rand(SIZE, SIZE) for _ in range(3))
    actions = {
        "large": large,
        "small": small,
        "matrix": lambda: torch.mm(left, right, out=product),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 2):
        for name, action in actions.items():
            seconds = of_this_process(action)
            if number > 1:
                times[name].append(seconds)
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    rate = 2 * SIZE**3 / median["matrix"]
    share = counter.get_total_flops() / median["large"] / rate
    noise = sum(spread(times[name]) / median[name] for name in ("large", "matrix"))
    fixed = (4 * median["small"] - median["large"]) / 3
    holds = "undecided" if abs(share / GOAL - 1) <= noise else "yes" if share >= GOAL else "no"
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s; a step: {counter.get_total_flops() / 1e9:.1f} GFLOP")
    print(f"a step takes {1000 * median['large']:.0f} ms, of which {fixed / median['large']:.0%} whatever the batch")
    print(f"share of the matrix rate: {share:.2f} (noise {noise:.0%}); at least {GOAL}: {holds}")


if __name__ == "__main__":
    main()
