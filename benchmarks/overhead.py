"""How much the runner adds to a step: m5kit's training against a bare PyTorch loop over the same model and batches.

Both arms train the same model from the same weights on the same batches in memory; the losses of the first steps must
agree before anything is timed. Blocks of steps alternate (A B B A), and the ratio of the median block times is printed,
with the ratio of the bare loop to itself as the noise floor. The clock is the processor time of this process, which
other jobs on the machine hardly disturb; run it on one thread.

With ``--stub`` the model is one small layer, so that hardly anything but the runner is measured: around step 900 and,
in the same run, around step ``--far``, which takes a minute or two.

Run: OMP_NUM_THREADS=1 python benchmarks/overhead.py --data demo [--stub] [--set KEY=VALUE]...
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path

import torch
from _arguments import at_least
from rich.console import Console
from torch import nn

from m5kit.api import Mean
from m5kit.assembly.data import RunData
from m5kit.assembly.model import build_model, build_schedule
from m5kit.config import RunConfig, check_config, load_config
from m5kit.models.base import MicroBatch, Model, PartialLoss
from m5kit.runs.folder import RunFolder
from m5kit.structures import Batch
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.callbacks.standard import standard_callbacks
from m5kit.training.clock import TrainClock
from m5kit.training.mmengine import build_runner
from m5kit.training.optim import build_optimizer
from m5kit.training.rates import LearningRates
from m5kit.training.setup import Setup
from m5kit.training.step import TrainStep

STUB_BLOCKS, STUB_STEPS = 16, 50


class Stub(Model):
    """One layer, whatever the items are."""

    objectives, modalities = ("stub",), ()

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.layer, self.backbone = nn.Linear(64, 64), nn.Module()
        self.backbone.fusion, self.backbone.harmonizer = nn.Identity(), nn.Identity()

    def prepare(self, batch: Batch, seed: int) -> MicroBatch:
        return MicroBatch(batch, {"stub": float(len(batch))}, seed)

    def partial_loss(self, part: MicroBatch, totals: Mapping[str, float]) -> PartialLoss:
        loss = self.layer(torch.ones(8, 64)).square().mean()
        value = loss.detach()
        return PartialLoss(loss, value[None], None, {"loss/stub": Mean(value, totals["stub"])})


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


def bare_blocks(model, config, batches, steps):
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


def runner_blocks(model, config, data, batches, folder, steps, last):
    """The same through the runner with all its hooks; logs every ``logging.every_steps`` as in a real run."""
    schedule, seen = config.schedule, LastLoss()
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay)
    state = TrainState(model, optimizer, last)
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
        LearningRates(optimizer, build_schedule(config), schedule.warmup, state.max_steps),
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
    parser.add_argument("--blocks", type=at_least(1), default=8)
    parser.add_argument("--steps", type=at_least(1), default=10)
    parser.add_argument("--stub", action="store_true")
    parser.add_argument("--far", type=at_least(1), default=100_000)
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
        folder = RunFolder.create(Path(temporary) / "run")
        data = RunData.prepare(config, folder)
        if arguments.stub:
            compare_stub(config, data, folder, arguments.far)
            return
        arms = set_up(
            config, data, folder, arguments.steps, 10**9, lambda: build_model(config, data.transforms, data.classes)
        )
        print_ratio(measure(arms, arguments.blocks), arguments.steps)


def compare_stub(config: RunConfig, data: RunData, folder: RunFolder, far: int) -> None:
    """The ratio early in a run and late in it, with all that it remembers by then."""
    arms = set_up(config, data, folder, STUB_STEPS, far + 500, Stub)
    done = STUB_STEPS
    for centre in (900, far):
        while done < centre - STUB_BLOCKS * STUB_STEPS // 2:
            next(arms["runner"])
            done += STUB_STEPS
        print(f"around step {centre}")
        print_ratio(measure(arms, STUB_BLOCKS), STUB_STEPS)
        done += STUB_BLOCKS * STUB_STEPS


def set_up(
    config: RunConfig, data: RunData, folder: RunFolder, steps: int, last: int, build: Callable[[], Model]
) -> dict[str, Iterator]:
    """Loops that each yield the seconds and the losses of their next steps; their first ones agreed."""
    stream = iter(data.train_loader())
    batches = [next(stream) for _ in range(min(steps, 10))]
    arms, losses = {}, {}
    for name in ("bare", "bare again", "runner"):
        torch.manual_seed(config.seed)
        model = build()
        arms[name] = (
            runner_blocks(model, config, data, batches, folder, steps, last)
            if name == "runner"
            else bare_blocks(model, config, batches, steps)
        )
        next(arms[name])
        torch.manual_seed(0)  # the same dropout in every arm
        losses[name] = torch.stack(next(arms[name])[1])
    if not torch.allclose(losses["bare"], losses["runner"], rtol=1e-5):
        raise SystemExit(f"the arms do not compute the same: {losses}")
    print(f"losses of the first {steps} steps agree")
    return arms


def measure(arms: Mapping[str, Iterator], blocks: int) -> dict[str, float]:
    """Median seconds of a block of each loop."""
    times = {name: [] for name in arms}
    for block in range(blocks):
        for name in list(arms) if block % 2 else list(arms)[::-1]:
            torch.manual_seed(block)  # the same dropout in every arm
            times[name].append(next(arms[name])[0])
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def print_ratio(seconds: Mapping[str, float], steps: int) -> None:
    """What the runner adds to a step."""
    medians = {name: of_block / steps for name, of_block in seconds.items()}
    print(f"bare loop           {1000 * medians['bare']:.2f} ms a step")
    print(f"runner / bare       {medians['runner'] / medians['bare']:.4f}")
    print(f"bare / bare (noise) {medians['bare again'] / medians['bare']:.4f}")
    print(f"runner adds         {1000 * (medians['runner'] - medians['bare']):.2f} ms a step")


if __name__ == "__main__":
    main()
