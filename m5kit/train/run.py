"""Trains a model that is set up, to its last step or until the run is told to stop."""

from collections.abc import Mapping

from rich.console import Console

from m5kit.api import Hook
from m5kit.assembly.model import build_hooks, build_schedule
from m5kit.runs import checkpoint
from m5kit.runs.log import LOGGER, logging_to
from m5kit.train.callbacks.base import TrainState
from m5kit.train.callbacks.standard import standard_callbacks
from m5kit.train.mmengine import build_runner
from m5kit.train.optim import build_optimizer
from m5kit.train.rates import LearningRates
from m5kit.train.setup import Setup
from m5kit.train.step import TrainStep


def train(setup: Setup, console: Console) -> int | None:
    """Train.

    Args:
        setup: what is trained.
        console: where progress is shown.

    Returns:
        The signal that ended the run early; None if it came to its last step.
    """
    with logging_to(setup.folder.log):
        _introduce(setup, console)
        return _run(setup, build_hooks(setup.config), console)


def _introduce(setup: Setup, console: Console) -> None:
    """Say what is about to be trained on what."""
    schedule, model = setup.config.schedule, setup.model
    items_a_step = schedule.batch_size * schedule.accumulate
    parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
    line = (
        f"{setup.config.name}: {', '.join(model.modalities)}; {parameters / 1e6:.1f} M parameters; "
        f"{len(setup.data.training_items)} items; {schedule.max_steps} steps of {items_a_step}"
    )
    LOGGER.info(line)
    console.print(line, highlight=False, soft_wrap=True)


def _run(setup: Setup, hooks: Mapping[str, Hook], console: Console) -> int | None:
    config, model, schedule = setup.config, setup.model, setup.config.schedule
    optimizer = build_optimizer(model, config.optimizer, schedule.lr, schedule.weight_decay, config.rates)
    state = TrainState(model, optimizer, schedule.max_steps)
    callbacks, saver = standard_callbacks(config, setup.folder, hooks, console)

    def resume() -> int:
        found = checkpoint.latest(setup.folder.checkpoints)
        return 0 if found is None else checkpoint.restore(found, model, optimizer, hooks)

    runner = build_runner(
        setup.folder.path,
        TrainStep(model, optimizer, schedule.clip, schedule.precision, config.seed),
        setup.data.train_loader(),
        state,
        LearningRates(optimizer, build_schedule(schedule.decay), schedule.warmup, schedule.max_steps),
        schedule.accumulate,
        callbacks,
        config.seed,
        resume,
    )
    runner.train()
    return saver.stopped_by
