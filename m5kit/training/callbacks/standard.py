"""The callbacks of every run, in the order that they depend on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rich.console import Console

from m5kit.api import Hook
from m5kit.config.length import most_steps
from m5kit.data.failures import FailureLog
from m5kit.data.manifest import Manifest
from m5kit.parallel.group import Group
from m5kit.parallel.replica import Replica
from m5kit.runs.log import LOGGER
from m5kit.runs.tensor_state import Stateful
from m5kit.training.batches import items_a_batch
from m5kit.training.callbacks.base import Callback
from m5kit.training.callbacks.checkpoint import BestValue, CheckpointCallback
from m5kit.training.callbacks.clock import ClockCallback
from m5kit.training.callbacks.failures import FailuresCallback
from m5kit.training.callbacks.finite import FiniteCallback
from m5kit.training.callbacks.hooks import HooksCallback
from m5kit.training.callbacks.metrics import MetricsCallback
from m5kit.training.callbacks.stop import StopCallback
from m5kit.training.callbacks.validation import ValidationCallback, ValidationPeer
from m5kit.training.callbacks.warnings import WarningsCallback
from m5kit.training.clock import TrainClock
from m5kit.training.held_out import HeldOut, held_out_items
from m5kit.training.progress import Progress
from m5kit.training.setup import Setup


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What goes on beside the steps of a run.

    Attributes:
        ordered: all callbacks.
        stop: knows which signal ended the run.
        stateful: what a checkpoint holds beside model, optimizer and random states, by name.
    """

    ordered: list[Callback]
    stop: StopCallback
    stateful: Mapping[str, Stateful]


def standard_callbacks(
    setup: Setup,
    hooks: Mapping[str, Hook],
    clock: TrainClock,
    console: Console,
    group: Group | None = None,
    replica: Replica | None = None,
) -> Callbacks:
    """What a run needs beside its steps.

    Args:
        setup: what is trained.
        hooks: by name.
        clock: of the run.
        console: where progress is shown.
        group: of the run; the first of several processes writes.
        replica: what this process holds of the model; None for all of it.
    """
    group, replica = group or Group(), replica or Replica(setup.model)
    stop = StopCallback(group, hooks=len(hooks) > 0)
    hooks = {name: hook for name, hook in hooks.items() if _runs_here(hook, group, replica)}
    config, folder, logged_every = setup.config, setup.folder, setup.config.logging.every_steps
    minutes, most = config.schedule.minutes, most_steps(config.schedule, len(setup.data.training_items))
    write = partial(console.print, highlight=False, markup=False, soft_wrap=True)
    timer = ClockCallback(clock, None if minutes is None else 60 * minutes, write, most)
    finite = FiniteCallback(logged_every, setup.folder.checkpoints, writes=group.first)
    log = FailureLog(folder.failures if group.first else None, config.data.max_failed)
    failures = FailuresCallback(log, group, logged_every)
    validation = _validation(setup, write, replica) if group.first else None
    metrics = MetricsCallback(folder, logged_every, Progress(console), validation, group)
    stateful: dict[str, Stateful] = {**hooks, "run/clock": clock}
    best = None
    if config.checkpoint.best is not None:
        best = stateful["run/best"] = BestValue(config.checkpoint.best, lambda: metrics.figures)
    saver = CheckpointCallback(
        folder.checkpoints,
        config.checkpoint.every_steps,
        config.checkpoint.keep,
        stateful,
        finite.require,
        best,
        group,
        replica,
    )
    # first what may end the run, then what reads its values; a checkpoint holds the state of all of them
    before: list[Callback] = [timer, finite, failures]
    if validation is not None:
        before.append(validation)
    elif replica.pieces() and not group.first and _held_out(setup) is not None:
        before.append(ValidationPeer(config.validation.every_steps, logged_every, replica))
    before.append(metrics)
    if group.first:
        before.append(_warnings(setup, metrics, validation, write))
    after = HooksCallback(hooks, folder.path, metrics, write)
    return Callbacks([*before, after, stop, saver], stop, stateful)


def _runs_here(hook: Hook, group: Group, replica: Replica) -> bool:
    """Whether this process has a hook of the config."""
    return group.first or hook.everywhere or (hook.takes_pieces and len(replica.pieces()) > 0)


def _held_out(setup: Setup) -> Manifest | None:
    """The items that are looked at on the way; None where nothing is held out, or nobody wants to look."""
    wanted = setup.config.validation
    return None if wanted.every_steps == 0 else held_out_items(setup.data, wanted.items)


def _validation(setup: Setup, write: Callable[[str], None], replica: Replica) -> ValidationCallback | None:
    """None where there is nothing to look at; that nothing is held out is said."""
    wanted, items = setup.config.validation, _held_out(setup)
    if wanted.every_steps == 0:
        return None
    if items is None:
        text = "no items are held out to look at while training: there is no split val, or it is trained on"
        LOGGER.info(text)
        write(f"{text}; --set data.val=[SPLIT] names another one")
        return None
    held_out = HeldOut(setup.model, setup.data, items, wanted.label)
    return ValidationCallback(held_out, wanted.every_steps, setup.config.logging.every_steps, replica)


def _warnings(
    setup: Setup, metrics: MetricsCallback, validation: ValidationCallback | None, write: Callable[[str], None]
) -> WarningsCallback:
    tasks = getattr(setup.model, "tasks", {})
    comparing = [name for name, task in tasks.items() if getattr(task, "compares_items", False)]
    items = 0 if validation is None else len(validation.held_out.items)
    return WarningsCallback(metrics, validation, items, comparing, round(items_a_batch(setup)), write)
