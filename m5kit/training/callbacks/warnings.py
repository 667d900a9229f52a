"""Plain warnings while there is still time: nothing learned, nothing that carries over, a modality left aside."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from statistics import mean, variance

from torch import Tensor

from m5kit.runs.log import LOGGER
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.callbacks.metrics import MetricsCallback
from m5kit.training.callbacks.validation import ValidationCallback

_EARLY = 0.3  # share of a run in which nothing is expected yet
_ROWS = 5  # logged steps over which single values are averaged
_AGAIN = 10  # the whole run is looked at again when it has grown by one part in so many
_FALLING = 3  # looks in a row
_LEAST_FALL = 0.02  # share of a loss
_FEW = 30  # held-out items


class WarningsCallback(Callback):
    """Says once of each thing that goes wrong what it is and what to try.

    Args:
        metrics: knows the values of logged steps; it stands before this one.
        validation: knows those of held-out items, and how many items there are; None if there are none.
        items: how many items are looked at; chance is not beaten within three standard errors of it.
        comparing: tasks that pick an item out of a batch, whose accuracy is that of guessing at 1 / ``batch``.
        batch: items of a micro-batch.
        write: shows a line to the user.
    """

    def __init__(
        self,
        metrics: MetricsCallback,
        validation: ValidationCallback | None,
        items: int,
        comparing: Collection[str],
        batch: int,
        write: Callable[[str], None],
    ) -> None:
        self.metrics, self.validation, self.items = metrics, validation, items
        self.comparing, self.batch, self.write = comparing, batch, write
        self._rows: list[Mapping[str, float]] = []
        self._looks: list[tuple[float, float]] = []  # held-out loss, mean training loss
        self._given: set[str] = set()
        self._due = 2 * _ROWS

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """Look at a logged step."""
        if self.metrics.figures is None:
            return
        self._rows.append(self.metrics.figures)
        if state.step >= _EARLY * state.max_steps and (len(self._rows) >= self._due or state.last):
            self._whole_run()
        if self.validation is not None and self.validation.values:
            self._held_out(self.validation.values, self.validation.chance, state)

    def _whole_run(self) -> None:
        """Look at all rows so far; not at every one, or steps would take longer as a run gets longer."""
        if len(self._rows) >= 2 * _ROWS:
            self._due = len(self._rows) + max(len(self._rows) // _AGAIN, 1)
            self._tasks()
            self._modalities()

    def _tasks(self) -> None:
        """A loss that stands where it began, or a choice that is no better than a guess."""
        window = max(len(self._rows) // 3, _ROWS)
        early, late = self._rows[:window], self._rows[-window:]
        first, now = self._mean(early), self._mean(late)
        for name in sorted(first.keys() & now.keys()):
            task = name.removeprefix("loss/")
            accuracy = now.get(f"{task}/accuracy") if task in self.comparing else None
            if accuracy is not None and accuracy < 2 / self.batch:
                self._warn(
                    f"task {task} is no better than chance: it picks the right item of {self.batch} in "
                    f"{accuracy:.1%} of all cases, a guess in {1 / self.batch:.1%} "
                    f"(a loss of log {self.batch} = {math.log(self.batch):.2f}); try another schedule.lr or temperature"
                )
            elif accuracy is None and name.startswith("loss/") and _stands_still(name, early, late):
                self._warn(
                    f"task {task} does not learn: its loss is {now[name]:.3f}, at first it was {first[name]:.3f}; "
                    "try another schedule.lr, or drop the task"
                )

    def _modalities(self) -> None:
        """A modality that had less than half of an even share in all of the last third of the run so far."""
        recent = self._rows[-max(len(self._rows) // 3, _ROWS) :]
        shares = [name for name in recent[-1] if name.startswith("weight/")]
        for name in sorted(shares):
            highest = max(row.get(name, 1.0) for row in recent)
            if highest < 0.5 / len(shares):
                self._warn(
                    f"{name.removeprefix('weight/')} has had at most {highest:.1%} of the weight for {len(recent)} "
                    f"logged steps, less than half of an even share; try --set harmonizer=uniform"
                )

    def _held_out(self, values: Mapping[str, float], chance: Mapping[str, float], state: TrainState) -> None:
        """Values at chance in the second half, and a loss that rises while that of training falls."""
        for name, level in chance.items():
            if self.items < _FEW:  # within three standard errors of chance almost anything lies
                break
            error = math.sqrt(max(level * (1 - level), 1e-9) / self.items)
            if state.step * 2 >= state.max_steps and values[name] <= level + 3 * error:
                self._warn(
                    f"{name} is {values[name]:.3f} on {self.items} held-out items, and {level:.3f} is chance: "
                    "nothing has been learned that carries over; train longer, on more items, or on other tasks"
                )
        self._looks.append((values["val/loss"], self._mean(self._rows[-_ROWS:])["loss"]))
        recent = self._looks[-_FALLING - 1 :]
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(recent)]
        if len(steps) == _FALLING and all(held > 0 > trained for held, trained in steps):
            self._warn(
                f"the held-out loss has risen {_FALLING} times in a row while the training loss fell: the model learns "
                "the training items by heart; stop earlier (checkpoint.best, the hook early_stopping) or use more items"
            )

    def _mean(self, rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Of every value that all rows have."""
        means = {}
        for name in rows[0]:
            found = [row[name] for row in rows if name in row]
            if len(found) == len(rows):
                means[name] = sum(found) / len(found)
        return means

    def _warn(self, text: str) -> None:
        # the numbers differ each time; what the text is about stands in its first words
        kind = " ".join(text.split()[:2])
        if kind not in self._given:
            self._given.add(kind)
            LOGGER.warning(text)
            self.write(f"warning: {text}")


def _stands_still(name: str, early: Sequence[Mapping[str, float]], late: Sequence[Mapping[str, float]]) -> bool:
    """Whether a loss has not fallen by the least share that counts, beyond what single steps scatter."""
    before, after = [row[name] for row in early], [row[name] for row in late]
    error = math.sqrt(variance(before) / len(before) + variance(after) / len(after))
    # A logged value is that of one batch: with few of them a loss that falls slowly looks like one that stands still.
    return mean(after) - 2 * error > (1 - _LEAST_FALL) * mean(before) > 0
