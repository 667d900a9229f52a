"""How much the runner adds to a step: m5kit's training against a bare PyTorch loop over the same model and batches.

Both arms train the same model from the same weights on the same batches in memory; the losses of the first steps must
agree before anything is timed. Blocks of steps alternate (A B B A), and the ratio of the median block times is printed,
with the ratio of the bare loop to itself as the noise floor. The clock is the processor time of this process, which
other jobs on the machine hardly disturb; run it on one thread.

Run: OMP_NUM_THREADS=1 python benchmarks/overhead.py --data demo [--set KEY=VALUE]...
"""

import argparse
import statistics
import tempfile
import time
from itertools import cycle
from pathlib import Path

import torch
from rich.console import Console

from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model, build_schedule
from m5kit.config import RunConfig, check_config, load_config
from m5kit.runs.folder import RunFolder
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.callbacks.standard import standard_callbacks
from m5kit.training.clock import TrainClock
from m5kit.training.mmengine import build_runner
from m5kit.training.optim import build_optimizer
from m5kit.training.rates import LearningRates
from m5kit.training.setup import Setup
from m5kit.training.step import TrainStep


class InMemory(torch.utils.data.Dataset):
    """Batches made before the clock starts."""

    def __init__(self, batches):
        self.batches = batches

    def __getitem__(self, index):
        return self.batches[index]


class LastLoss(Callback):
    """Keeps the loss of the last step."""

    def after_step(self, state, data, outputs):
        self.loss = outputs["loss"]


class Endless:
    """A batch sampler as the loop expects one."""

    batch_size, start = 1, 0

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return ([i] for i in cycle(range(self.count)))


def bare_blocks(model, config, batches, blocks, steps):
    """Seconds of each block, and the losses of the first block."""
    optimizer = build_optimizer(model, config.optimizer, config.schedule.lr, config.schedule.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    model.train()
    step = 0
    yield None  # set up; building draws random numbers, which the blocks must not notice
    while True:
        losses, started = [], time.process_time()
        for _ in range(steps):
            output = model.loss(batches[step % len(batches)], config.seed)
            output.loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.schedule.clip)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            losses.append(output.loss.detach())
            step += 1
        yield time.process_time() - started, losses


def runner_blocks(model, config, data, batches, folder, steps):
    """The same through the runner with all its hooks; logs every ``logging.every_steps`` as in a real run."""
    schedule, seen = config.schedule, LastLoss()
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay)
    state = TrainState(model, optimizer, 10**9)
    setup = Setup(config, folder, data, model)
    callbacks = standard_callbacks(setup, {}, TrainClock(), Console(quiet=True))
    loader = torch.utils.data.DataLoader(
        InMemory(batches), batch_sampler=Endless(len(batches)), collate_fn=lambda b: b[0]
    )
    runner = build_runner(
        folder.path,
        TrainStep(model, optimizer, schedule.clip, schedule.precision, config.seed),
        loader,
        state,
        LearningRates(optimizer, build_schedule(schedule.decay), schedule.warmup, state.max_steps),
        1,
        [seen, *callbacks.ordered],
        config.seed,
        lambda: 0,
    )
    loop = runner.build_train_loop(runner._train_loop)
    runner._train_loop = loop
    runner.call_hook("before_train")
    runner.model.train()
    stream = iter(loop.dataloader)
    yield None
    while True:
        losses, started = [], time.process_time()
        for _ in range(steps):
            loop.rates.apply(loop.iter)
            loop.run_step(StepData(loop.iter, (next(stream),)))
            losses.append(seen.loss)
        yield time.process_time() - started, losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="demo/scale")
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    arguments = parser.parse_args()
    overrides = [
        "schedule.decay=none",
        "schedule.warmup=0.0",
        "data.workers=0",
        "checkpoint.every_steps=1000000000",
        "validation.every_steps=0",
        *arguments.overrides,
    ]
    config = check_config(load_config(arguments.config, overrides, arguments.data))
    with tempfile.TemporaryDirectory() as temporary:
        compare(config, RunFolder.create(Path(temporary) / "run"), arguments.blocks, arguments.steps)


def compare(config: RunConfig, folder: RunFolder, blocks: int, steps: int) -> None:
    """Print the ratio."""
    data = RunData.prepare(config, folder)
    stream = iter(data.train_loader())
    batches = [next(stream) for _ in range(steps)]
    arms = {}
    for name in ("bare", "bare again", "runner"):
        torch.manual_seed(config.seed)
        model = build_model(config, data.transforms, data.classes)
        arms[name] = (
            runner_blocks(model, config, data, batches, folder, steps)
            if name == "runner"
            else bare_blocks(model, config, batches, blocks, steps)
        )
        next(arms[name])
    times = {name: [] for name in arms}
    for block in range(blocks + 1):
        order = list(arms) if block % 2 else list(arms)[::-1]
        for name in order:
            torch.manual_seed(block)  # the same dropout in every arm
            seconds, losses = next(arms[name])
            times[name].append((seconds, torch.stack(losses)))
    first = {name: rows[0][1] for name, rows in times.items()}
    if not torch.allclose(first["bare"], first["runner"], rtol=1e-5):
        raise SystemExit(f"the arms do not compute the same: {first}")
    medians = {name: statistics.median(seconds for seconds, _ in rows[1:]) / steps for name, rows in times.items()}
    print(f"losses of the first {steps} steps agree")
    print(f"bare loop           {1000 * medians['bare']:.2f} ms a step")
    print(f"runner / bare       {medians['runner'] / medians['bare']:.4f}")
    print(f"bare / bare (noise) {medians['bare again'] / medians['bare']:.4f}")
    print(f"runner adds         {1000 * (medians['runner'] - medians['bare']):.2f} ms a step")


if __name__ == "__main__":
    main()
