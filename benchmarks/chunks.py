"""What gradient caching costs and saves: a large batch in chunks, the same whole, and each chunk as a batch.

Each arm is a process of its own, which reads the same items, then takes steps on them. What small batches take is the
most that any of the chunks takes as a step of its own: items differ in size, and by more than what caching adds.

Memory is counted twice. ``tensors`` are the most bytes that tensors held at one time in a step, the state of the
optimizer included. ``resident`` is the peak of the resident set beyond what the process held before its first step
(libraries, weights and the batch itself); the C library is told to give freed blocks back at once, but keeps small
ones. Time is processor time of a step after the first. That the gradients agree is what
tests/unit/models/test_cached_gradients.py is about; here the losses of the first step must agree, dropout being off.

Run: OMP_NUM_THREADS=1 python benchmarks/chunks.py --data demo [--batch 512] [--chunk 64] [--set KEY=VALUE]...
Data: m5kit data make-demo demo --items 2000
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _arguments import at_least, check_batches
from _live import LiveTensors

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model
from m5kit.config import check_config, load_config
from m5kit.runs.folder import RunFolder
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep


def resident(line: str) -> float:
    """MiB of this process by the kernel's count: ``VmRSS`` now, ``VmHWM`` at its highest."""
    for row in Path("/proc/self/status").read_text().splitlines():
        if row.startswith(line):
            return int(row.split()[1]) / 1024
    raise SystemExit("this benchmark reads /proc and needs Linux")


def measure(arguments: argparse.Namespace) -> None:
    """One arm: print its figures as JSON."""
    overrides = [f"schedule.batch_size={arguments.batch}", "data.workers=0", *arguments.overrides]
    config = check_config(load_config(arguments.config, overrides, arguments.data))
    with tempfile.TemporaryDirectory() as temporary:
        data = RunData.prepare(config, RunFolder.create(Path(temporary) / "run"))
        batch = next(iter(data.train_loader()))
    torch.manual_seed(config.seed)
    model = build_model(config, data.transforms, data.classes).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    schedule = config.schedule
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay)
    step = TrainStep(model, optimizer, schedule.clip, schedule.precision, config.seed, chunk=arguments.chunk)
    steps = batch.chunks(arguments.apart) if arguments.apart else [batch]
    before, losses, seconds = resident("VmRSS"), [], []
    for _ in range(arguments.steps + 1):
        started = time.process_time()
        losses += [float(step([each])["loss"]) for each in steps]
        seconds.append((time.process_time() - started) / len(steps))
    found = {"resident": resident("VmHWM") - before, "seconds": min(seconds[1:]), "loss": losses[0]}
    # Last, as watching takes time and memory.
    with LiveTensors() as live:
        for each in steps:
            step([each])
    print(json.dumps(found | {"tensors": live.peak / 2**20}))


def arm(arguments: argparse.Namespace, *options: str) -> dict[str, float]:
    """The figures of an arm, from a process of its own."""
    command = [sys.executable, __file__, "--data", arguments.data, "--config", arguments.config, "--measure"]
    command += ["--batch", str(arguments.batch), "--steps", str(arguments.steps), *options]
    for override in arguments.overrides:
        command += ["--set", override]
    # Fixed, as the C library raises this threshold by itself once large blocks are freed, and then keeps such blocks.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
    return json.loads(lines[-1])


def compare(arguments: argparse.Namespace) -> None:
    """Print the table and the ratios."""
    batch, chunk = arguments.batch, arguments.chunk or 64
    check_batches(arguments.config, arguments.overrides, arguments.data, batch)
    arms = {
        f"batches of {chunk}": arm(arguments, "--apart", str(chunk)),
        f"batches of {chunk} again (noise)": arm(arguments, "--apart", str(chunk)),
        f"batch {batch} in chunks of {chunk}": arm(arguments, "--chunk", str(chunk)),
        f"batch {batch}": arm(arguments),
    }
    one, _, chunked, whole = arms.values()
    if abs(chunked["loss"] - whole["loss"]) > 1e-4 * abs(whole["loss"]):
        raise SystemExit(f"the arms do not compute the same: {chunked['loss']} and {whole['loss']}")
    print(f"{'':<32}{'tensors MiB':>12}{'of one':>8}{'resident MiB':>14}{'of one':>8}{'s/step':>8}")
    for name, found in arms.items():
        tensors, held = found["tensors"], found["resident"]
        print(f"{name:<32}{tensors:12.0f}{tensors / one['tensors']:8.2f}", end="")
        print(f"{held:14.0f}{held / one['resident']:8.2f}{found['seconds']:8.2f}")
    print(f"time of the chunks over that of the whole batch: {chunked['seconds'] / whole['seconds']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch", type=at_least(1), default=512)
    parser.add_argument("--chunk", type=at_least(1))
    parser.add_argument("--steps", type=at_least(1), default=1)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--apart", type=at_least(1), help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measure(arguments) if arguments.measure else compare(arguments)


if __name__ == "__main__":
    main()
