"""How long a run will take, told before its first step: a few steps are tried on a copy that is thrown away."""

import os
import threading
from copy import deepcopy
from time import perf_counter

from torch.utils.data import DataLoader

from m5kit.config import RunConfig
from m5kit.data.limits import time_limit
from m5kit.models.base import Model
from m5kit.plugins import in_use
from m5kit.runs.log import LOGGER
from m5kit.runs.random_state import random_state, restore_random_state
from m5kit.structures import Batch
from m5kit.training.optim import build_optimizer
from m5kit.training.step import TrainStep

ITEMS = 16
"""The most items of a trial step; what a whole batch takes follows from them."""
TIMED = 2
"""Trial steps that are timed, after one that warms up."""
LEAST_STEPS = 100
"""A run of fewer steps is over before the trial would have paid."""
LONG = 1800.0
"""Seconds from which on shorter ways are named."""


def tell_length(
    config: RunConfig, model: Model, loader: DataLoader[Batch], precision: str, steps: float
) -> tuple[float, str] | None:
    """How long a run of so many steps will take: seconds a step, and the sentence that says it.

    Nothing that the run uses is changed: the steps update a copy of the model, and the random states are put back.

    Args:
        config: of the run.
        model: on its device.
        loader: of the training batches; items are read from its dataset, in this process.
        precision: that the run computes in.
        steps: the most that it takes.

    Returns:
        None where there is nothing to tell: the length is given in minutes, the run is short, or the device is so fast
        that its first steps tell it at once.
    """
    schedule = config.schedule
    device = next(model.parameters()).device
    if schedule.minutes is not None or steps < LEAST_STEPS or device.type != "cpu":
        return None
    before = random_state()
    try:
        seconds = _seconds_a_step(config, deepcopy(model), loader, precision)
    except (TypeError, RuntimeError) as error:  # a part of a plugin may hold what cannot be copied
        LOGGER.info("the length of the run is told after its first steps: %s", error)
        return None
    finally:
        restore_random_state(*before)
    return seconds, _sentence(int(steps), seconds)


def readable(seconds: float) -> str:
    """A duration in minutes, or in hours and minutes.

    Example:
        >>> readable(40), readable(3000), readable(12_000)
        ('1 min', '50 min', '3 h 20 min')
    """
    minutes = max(round(seconds / 60), 1)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def _sentence(steps: int, seconds: float) -> str:
    text = (
        f"about {readable(steps * seconds)} on this machine: {steps} steps of {seconds:.2f} s, "
        f"from {TIMED} trial steps on a copy of the model"
    )
    if steps * seconds >= LONG:
        text += "; shorter: --set schedule.minutes=30, or the config products/small"
    return text


def _seconds_a_step(config: RunConfig, model: Model, loader: DataLoader[Batch], precision: str) -> float:
    """Reading and computing, of which the workers do the first beside the second as far as there are cores."""
    schedule = config.schedule
    items, reading, whole = _read(config, loader)
    with in_use(config.plugins):  # the optimizer may be a plugin's
        optimizer = build_optimizer(model.train(), config.optimizer, schedule.lr, schedule.weight_decay, config.rates)
    step = TrainStep(model, optimizer, schedule.clip, precision, config.seed)
    step([items])  # the first one lays out memory
    began = perf_counter()
    for _ in range(TIMED):
        step([items])
    computing = (perf_counter() - began) / TIMED / len(items)
    shared = max(min(config.data.workers, os.cpu_count() or 1), 1)
    return (computing + reading / shared) * whole * schedule.accumulate


def _read(config: RunConfig, loader: DataLoader[Batch]) -> tuple[Batch, float, int]:
    """The first items of the run as a batch, the seconds that reading one takes, and how many the first batch has."""
    first = next(iter(loader.batch_sampler))  # type: ignore[arg-type]  # torch allows None here
    draws = first[:ITEMS]
    # alarms are for the main thread alone; elsewhere the trial has no limit, as a run without workers
    limit = config.data.item_seconds if threading.current_thread() is threading.main_thread() else None
    prepared = []
    began = perf_counter()
    for draw in draws:
        with time_limit(limit):
            prepared.append(loader.dataset[draw])
    reading = (perf_counter() - began) / len(draws)
    return loader.collate_fn(prepared), reading, len(first)
