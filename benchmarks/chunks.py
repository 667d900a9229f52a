"""What gradient caching costs and saves: a large batch in chunks, the same whole, and a batch of one chunk.

Each arm is a process of its own, which reads its batch, then takes steps on it. Memory is the peak of the resident set
beyond what the process held before its first step (libraries, weights and the batch itself); the C library is told to
give freed blocks back at once, or the peak would be what it hoards. Time is processor time of
a step after the first. That the gradients agree is what tests/unit/models/test_cached_gradients.py is about; here the
losses of the first step must agree, dropout being off.

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
    before, losses, seconds = resident("VmRSS"), [], []
    for _ in range(arguments.steps + 1):
        started = time.process_time()
        losses.append(float(step([batch])["loss"]))
        seconds.append(time.process_time() - started)
    print(json.dumps({"memory": resident("VmHWM") - before, "seconds": min(seconds[1:]), "loss": losses[0]}))


def arm(arguments: argparse.Namespace, batch: int, chunk: int | None) -> dict[str, float]:
    """The figures of an arm, from a process of its own."""
    command = [sys.executable, __file__, "--data", arguments.data, "--config", arguments.config, "--measure"]
    command += ["--batch", str(batch), "--steps", str(arguments.steps)]
    command += ["--chunk", str(chunk)] if chunk else []
    for override in arguments.overrides:
        command += ["--set", override]
    # Fixed, as the C library raises this threshold by itself once large blocks are freed, and then keeps such blocks.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
    return json.loads(lines[-1])


def compare(arguments: argparse.Namespace) -> None:
    """Print the table and the ratios."""
    batch, chunk = arguments.batch, arguments.chunk or 64
    arms = {
        f"batch {chunk}": arm(arguments, chunk, None),
        f"batch {chunk} again (noise)": arm(arguments, chunk, None),
        f"batch {batch} in chunks of {chunk}": arm(arguments, batch, chunk),
        f"batch {batch}": arm(arguments, batch, None),
    }
    one, _, chunked, whole = arms.values()
    if abs(chunked["loss"] - whole["loss"]) > 1e-4 * abs(whole["loss"]):
        raise SystemExit(f"the arms do not compute the same: {chunked['loss']} and {whole['loss']}")
    print(f"{'':<32}{'MiB':>8}{'of one':>8}{'s/step':>8}")
    for name, found in arms.items():
        print(f"{name:<32}{found['memory']:8.0f}{found['memory'] / one['memory']:8.2f}{found['seconds']:8.2f}")
    print(f"time of the chunks over that of the whole batch: {chunked['seconds'] / whole['seconds']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--chunk", type=int)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    measure(arguments) if arguments.measure else compare(arguments)


if __name__ == "__main__":
    main()
