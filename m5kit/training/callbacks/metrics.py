"""Writes what the run learns: a JSON line and TensorBoard events every few steps, with one transfer from the device."""

import json
from collections.abc import Mapping, Sequence
from time import perf_counter

import torch
from torch import Tensor

from m5kit.data.files import open_own
from m5kit.data.json_values import without_nan
from m5kit.parallel.group import Group
from m5kit.runs.folder import RunFolder
from m5kit.runs.json import write_whole
from m5kit.training.callbacks.base import Callback, StepData, TrainState, is_logged
from m5kit.training.callbacks.validation import ValidationCallback
from m5kit.training.left_out import not_installed
from m5kit.training.progress import Progress

# TensorBoard looks for ways to write to other machines, and importing one takes longer than all the rest of it.
with not_installed("boto3"), not_installed("fsspec"):
    from torch.utils.tensorboard import SummaryWriter


class MetricsCallback(Callback):
    """Logs every ``every_steps`` steps; in between it reads nothing from the device.

    mmengine's logger copies the whole history of every scalar at each step and so gets slower as a run gets longer.
    The first of several processes writes. Losses and shares are means over the things of all of them, items per second
    are added up, and the longest wait for data counts; all processes then have the same figures.

    Args:
        folder: the run's folder.
        every_steps: distance in optimizer steps.
        progress: what the user sees.
        validation: stands before this one; the values of held-out items join those of a logged step.
        group: of the run.
    """

    def __init__(
        self,
        folder: RunFolder,
        every_steps: int,
        progress: Progress,
        validation: ValidationCallback | None = None,
        group: Group | None = None,
    ) -> None:
        self.folder = folder
        self.every_steps = every_steps
        self.progress = progress
        self.validation = validation
        self.group = group or Group()
        self.figures: Mapping[str, float] | None = None  # of the last step, if that was logged
        self._started = 0.0
        self._items, self._waited = 0, 0.0

    def before_train(self, state: TrainState) -> None:
        """Forget lines that lie after the step from which the run continues."""
        self._started = perf_counter()
        if not self.group.first:
            return
        _truncate(self.folder, state.step)
        self._events = SummaryWriter(str(self.folder.events), purge_step=state.step or None)
        self._lines = open_own(self.folder.metrics, "a")
        self.progress.start(state.step, state.max_steps)

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Count; at a logging step also write."""
        self._items += sum(len(batch) for batch in data.batches)
        self._waited += state.waited
        self.figures = None
        if is_logged(state, self.every_steps):
            self.figures = self._figures(state, outputs)
            self._started, self._items, self._waited = perf_counter(), 0, 0.0
        if not self.group.first:
            return
        if self.figures is None:
            self.progress.advance(state.step, state.max_steps)
        else:
            self._write(state.step, self.figures)
            self.progress.report(state.step, state.max_steps, self.figures)

    def after_train(self, state: TrainState) -> None:
        """Close the files."""
        if self.group.first:
            self._events.close()
            self._lines.close()
            self.progress.stop()

    def _figures(self, state: TrainState, outputs: Mapping[str, Tensor]) -> dict[str, float]:
        """The same on all processes."""
        validation = self.validation
        seconds = perf_counter() - self._started - (validation.seconds if validation else 0.0)
        self.group.wait()  # the first may have looked at held-out items for longer than a step may take
        told = self.group.values((_fetch(outputs), dict(state.counts), self._items, self._waited))
        values = _averaged([values for values, *_ in told], [counts for _, counts, *_ in told]) | {
            "lr": state.optimizer.param_groups[0]["lr"],  # the rate of this step; the next one's is set before that
            "items_per_second": sum(items for *_, items, _ in told) / seconds,
            "data_wait": max(waited for *_, waited in told) / seconds,
        }
        if validation is not None:
            values |= validation.values
        return self.group.of_first(values)

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        self._lines.write(json.dumps(without_nan({"step": step, **values})) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)


def _fetch(outputs: Mapping[str, Tensor]) -> dict[str, float]:
    """Every scalar in one transfer."""
    values = torch.stack([value.detach().float() for value in outputs.values()]).tolist()
    return dict(zip(outputs, values, strict=True))


def _averaged(values: Sequence[Mapping[str, float]], counts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each value over the things of all processes; a process that lacks it has none of them."""
    if len(values) == 1:
        return dict(values[0])
    sums: dict[str, float] = {}
    totals: dict[str, float] = {}
    for own, counted in zip(values, counts, strict=True):
        for name, value in own.items():
            count = counted.get(name, 1.0)
            sums[name] = sums.get(name, 0.0) + value * count
            totals[name] = totals.get(name, 0.0) + count
    return {name: sums[name] / totals[name] for name in sums}


def _truncate(folder: RunFolder, step: int) -> None:
    """Keep the lines up to a step, and none that is damaged."""
    if not folder.metrics.exists():
        return
    kept = [line for line in folder.metrics.read_bytes().splitlines(keepends=True) if _is_before(line, step)]
    write_whole(folder.metrics, b"".join(kept))  # in one step: a run may be killed here too


def _is_before(line: bytes, step: int) -> bool:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False  # half a line of a run that was killed
    made_at = row.get("step") if isinstance(row, dict) else None
    return line.endswith(b"\n") and isinstance(made_at, int) and made_at <= step
