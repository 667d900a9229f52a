"""Writes what the run learns: a JSON line and TensorBoard events every few steps, with one transfer from the device."""

import json
import math
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import torch
from torch.utils.tensorboard import SummaryWriter

from m5kit.errors import M5KitError
from m5kit.runs.folder import RunFolder
from m5kit.train.mmengine import Hook
from m5kit.train.progress import Progress


class MetricsHook(Hook):  # type: ignore[misc]  # mmengine ships no types
    """Logs every ``every_steps`` steps; in between it reads nothing from the device.

    mmengine's logger copies the whole history of every scalar at each step and so gets slower as a run gets longer.

    Args:
        folder: the run's folder.
        every_steps: distance in optimiser steps.
        progress: what the user sees.
    """

    priority = "LOW"

    def __init__(self, folder: RunFolder, every_steps: int, progress: Progress) -> None:
        self.folder = folder
        self.every_steps = every_steps
        self.progress = progress
        self.figures: Mapping[str, float] | None = None  # of the last step, if that was logged
        self._started = 0.0
        self._items, self._waited = 0, 0.0

    def before_train(self, runner: Any) -> None:
        """Forget lines that lie after the step from which the run continues."""
        _truncate(self.folder, runner.iter)
        self._events = SummaryWriter(str(self.folder.events), purge_step=runner.iter or None)
        self._lines = self.folder.metrics.open("a", encoding="utf-8")
        self._started = perf_counter()
        self.progress.start(runner.iter, runner.max_iters)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Count; at a logging step also write."""
        step = batch_idx + 1
        self._items += sum(len(batch) for batch in data_batch.batches)
        self._waited += runner.train_loop.waited
        if step % self.every_steps and step != runner.max_iters:
            self.progress.advance(step)
            self.figures = None
            return
        values = _fetch(outputs | {"grad_norm": runner.optim_wrapper.grad_norm})
        if not math.isfinite(values["loss"]):
            raise M5KitError(_not_finite(step, values, data_batch))
        runner.model.step.require_finite(step)
        seconds = perf_counter() - self._started
        values |= {
            "lr": runner.optim_wrapper.optimizer.param_groups[0]["lr"],
            "items_per_second": self._items / seconds,
            "data_wait": self._waited / seconds,
        }
        self._write(step, values)
        self.figures = values
        self.progress.report(step, values)
        self._started, self._items, self._waited = perf_counter(), 0, 0.0

    def after_train(self, runner: Any) -> None:
        """Close the files."""
        self._events.close()
        self._lines.close()
        self.progress.stop()

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        self._lines.write(json.dumps({"step": step, **values}) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)


def _fetch(outputs: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Every scalar in one transfer."""
    values = torch.stack([value.detach().float() for value in outputs.values()]).tolist()
    return dict(zip(outputs, values, strict=True))


def _truncate(folder: RunFolder, step: int) -> None:
    if folder.metrics.exists():
        lines = folder.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]
        folder.metrics.write_text("".join(kept), encoding="utf-8")


def _not_finite(step: int, values: Mapping[str, float], data: Any) -> str:
    bad = ", ".join(f"{name} = {value}" for name, value in values.items() if not math.isfinite(value))
    ids = ", ".join(data.batches[0].ids[:8])
    return (
        f"the loss is not finite at step {step} ({bad}); the step's items begin with {ids}. "
        "Lower schedule.lr or schedule.clip, or use schedule.precision=fp32; "
        "--resume goes on from the last checkpoint"
    )
