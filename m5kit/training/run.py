"""Trains a model that is set up, to its last step or until the run is told to stop."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from m5kit.api import Hook
from m5kit.assembly.model import build_hooks, build_schedule
from m5kit.config import RunConfig, check_config
from m5kit.config.length import length, most_steps
from m5kit.data.remote.place import require_own_place
from m5kit.nn.compiled import compile_blocks
from m5kit.parallel.allocation import keep_freed_memory
from m5kit.parallel.group import Group, ProcessGroup
from m5kit.parallel.threads import share_cores
from m5kit.plugins import in_use
from m5kit.runs import checkpoint
from m5kit.runs.folder import RunFolder
from m5kit.runs.log import LOGGER, logging_to
from m5kit.structures import Batch
from m5kit.training.agreement import require_same_plan
from m5kit.training.batches import items_a_batch, stored_sizes
from m5kit.training.callbacks.base import TrainState
from m5kit.training.callbacks.standard import standard_callbacks
from m5kit.training.clock import SharedClock, TrainClock
from m5kit.training.forecast import tell_length
from m5kit.training.mmengine import build_runner
from m5kit.training.optim import build_optimizer
from m5kit.training.rates import LearningRates, TimedRates
from m5kit.training.setup import Setup, TrainingPlan, hold, last_checkpoint, set_up
from m5kit.training.step import TrainStep


@dataclass(frozen=True, slots=True)
class TrainingEnd:
    """How training ended.

    Attributes:
        path: folder of the run.
        stopped_by: the signal that ended it early; None if it came to its last step.
    """

    path: Path
    stopped_by: int | None


def train(plan: TrainingPlan, console: Console, group: Group | None = None) -> TrainingEnd:
    """Train.

    Args:
        plan: what a user asks for.
        console: where progress is shown.
        group: the processes that train together; None for one alone.

    Raises:
        ConfigError: the config has mistakes, differs from that of the run to be resumed, or from that of another
            process; or another process has other items.
        CheckpointError: there is no run to resume, or there is one and nothing is to be resumed.
    """
    share_cores()
    keep_freed_memory()
    group = group or Group()
    config = check_config(plan.resolved)  # before anything is written: a mistaken config makes no folder
    require_own_place(plan.path, config.data.root, "run")
    require_same_plan(group, plan.resolved)
    folder = RunFolder.open(plan.path) if plan.resume else RunFolder(plan.path)
    if not group.first:
        setup = set_up(plan, config, folder, group)
        loader = _loader(setup, group)
        return TrainingEnd(plan.path, _run(setup, loader, build_hooks(config), Console(quiet=True), group))
    with folder.writing():
        if not plan.resume:
            RunFolder.create(plan.path)
        # Before messages go to the run's log: that a checkpoint is damaged is for the screen.
        with folder.left_if_refused(new=not plan.resume):
            setup = set_up(plan, config, folder, group)
        with logging_to(folder.log):
            with folder.left_if_refused(new=not plan.resume):
                _introduce(setup, console, group)
                loader = _loader(setup, group)
            try:
                stopped_by = _run(setup, loader, build_hooks(config), console, group)
            except Exception as error:
                error.add_note(f"The run in {plan.path} ended early; {folder.next_step}.")  # for tracebacks
                raise
    return TrainingEnd(plan.path, stopped_by)


def _introduce(setup: Setup, console: Console, group: Group) -> None:
    """Say what is about to be trained on what."""
    schedule, model = setup.config.schedule, setup.model
    a_step = (schedule.tokens or schedule.batch_size) * schedule.accumulate
    items = len(setup.data.training_items)
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    line = (
        f"{setup.config.name}: {', '.join(model.modalities)}; {parameters / 1e6:.1f} M parameters; "
        f"{items} items; {length(schedule, items)} of {a_step}{' tokens' * (schedule.tokens is not None)}"
    )
    if isinstance(group, ProcessGroup):
        line += f"; {group.size} processes ({group.backend}), each of which is waited for at most {group.timeout:g} s"
    _tell(console, line)


def _tell(console: Console, text: str, level: int = logging.INFO) -> None:
    """Write a line on the screen and in the run's log."""
    LOGGER.log(level, text)
    console.print(text, highlight=False, soft_wrap=True)


def _loader(setup: Setup, group: Group) -> DataLoader[Batch]:
    """Training batches of this process. The first fills the cache of frozen outputs; the others find them there."""
    with group.first_before_others():
        return setup.data.train_loader(group.rank, group.size, stored_sizes(setup))


def _run(
    setup: Setup, loader: DataLoader[Batch], hooks: Mapping[str, Hook], console: Console, group: Group
) -> int | None:
    config, model, schedule = setup.config, setup.model, setup.config.schedule
    replica = hold(model, group, config.parallel.shard)
    with in_use(config.plugins):  # the optimizer may be a plugin's
        optimizer = build_optimizer(
            model, config.optimizer, schedule.lr, schedule.weight_decay, config.rates, replica=replica
        )
    most = most_steps(schedule, len(setup.data.training_items))
    state = TrainState(model, optimizer, int(min(schedule.max_steps, most)))
    precision = _precision(setup, console)
    clock = _clock(setup, loader, precision, console, group)
    callbacks = standard_callbacks(setup, hooks, clock, console, group, replica)

    def resume() -> int:
        found = last_checkpoint(setup.folder, group)
        if found is None:
            return 0
        step = checkpoint.restore(found, *replica.restoring(model, optimizer), callbacks.stateful)
        if step >= most:
            text = f"this run is already finished: all {most} steps are done; it is only evaluated again"
            _tell(console, text)
        return step

    if schedule.compile:
        LOGGER.info("torch compiles %d transformer blocks", compile_blocks(model))
    step = TrainStep(
        model,
        optimizer,
        clip=schedule.clip,
        precision=precision,
        seed=config.seed,
        group=group,
        batch_size=schedule.batch_size if schedule.tokens is None else None,
        chunk=schedule.chunk,
        replica=replica,
        items=None if schedule.tokens is None else schedule.accumulate * items_a_batch(setup),
    )
    runner = build_runner(
        setup.folder.path,
        step,
        loader,
        state,
        _rates(config, optimizer, clock, most),
        schedule.accumulate,
        callbacks.ordered,
        config.seed,
        resume,
    )
    runner.train()
    return callbacks.stop.stopped_by


def _clock(setup: Setup, loader: DataLoader[Batch], precision: str, console: Console, group: Group) -> TrainClock:
    if group.size == 1:
        return TrainClock(_forecast(setup, loader, precision, console))
    # Only a run whose length is given in time depends on the clock, and then on that of one process.
    return TrainClock() if setup.config.schedule.minutes is None else SharedClock(group)


def _forecast(setup: Setup, loader: DataLoader[Batch], precision: str, console: Console) -> float | None:
    """Say how long a new run will take; seconds a step, None if that is not told before the first one."""
    if checkpoint.latest(setup.folder.checkpoints) is not None:
        return None
    steps = most_steps(setup.config.schedule, len(setup.data.training_items))
    told = tell_length(setup.config, setup.model, loader, precision, steps)
    if told is None:
        return None
    _tell(console, told[1])
    return told[0]


def _rates(config: RunConfig, optimizer: Optimizer, clock: TrainClock, most: float) -> LearningRates:
    schedule, decay = config.schedule, build_schedule(config)
    if schedule.minutes is None:
        return LearningRates(optimizer, decay, schedule.warmup, int(most))
    return TimedRates(optimizer, decay, schedule.warmup, 60 * schedule.minutes, clock, most)


def _precision(setup: Setup, console: Console) -> str:
    """What is computed in: bf16 is several times slower than fp32 on most CPUs, so it has to be asked for twice."""
    schedule, device = setup.config.schedule, next(setup.model.parameters()).device
    if schedule.precision == "bf16" and device.type == "cpu" and not schedule.bf16_on_cpu:
        text = "bf16 is slow on a CPU: this run computes in fp32; schedule.bf16_on_cpu=true insists on bf16"
        _tell(console, text, logging.WARNING)
        return "fp32"
    return schedule.precision
