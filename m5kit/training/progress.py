"""What a user sees of a run: a bar with the remaining time on a terminal, plain lines elsewhere."""

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from m5kit.runs.log import LOGGER

_LINES = 20  # of a whole run, where there is no bar


class OpenConsole(Console):
    """A console whose closed pipe (``| head``) is an error as any other; rich would end the program with status 1."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the error."""
        raise


class Progress:
    """Shows how far a run is.

    Args:
        console: where to write; its kind decides between a bar and lines.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Bar | None = None
        self._first = self._last = self._shown = 0
        self._began = 0.0

    def start(self, step: int, last: int) -> None:
        """Begin at ``step`` of ``last``."""
        self._first = self._shown = step
        self._last, self._began = last, monotonic()
        if self.console.is_terminal:
            columns = TextColumn("step"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("eta")
            self._bar = Bar(*columns, TimeRemainingColumn(), TextColumn("{task.description}"), console=self.console)
            self._task = self._bar.add_task("", total=last, completed=step)
            self._bar.start()

    def advance(self, step: int, last: int) -> None:
        """Step done of as many as there will be, nothing to report."""
        self._last = last  # of a run whose length is given in minutes it is an estimate
        if self._bar:
            self._bar.update(self._task, completed=step, total=last)

    def report(self, step: int, last: int, values: Mapping[str, float]) -> None:
        """Step done, with its values."""
        self._last = last
        text = f"loss {values['loss']:.3f}  lr {values['lr']:.1e}  {values['items_per_second']:.0f} items/s"
        LOGGER.info("step %d/%d  %s", step, self._last, text)
        if self._bar:
            self._bar.update(self._task, completed=step, total=last, description=text)
        elif step == self._last or step - self._shown >= self._last / _LINES:
            self._shown = step
            self.console.print(
                f"step {step}/{self._last}  {text}  eta {self._remaining(step)}", highlight=False, soft_wrap=True
            )

    def stop(self) -> None:
        """End the bar."""
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _remaining(self, step: int) -> timedelta:
        rate = (monotonic() - self._began) / max(step - self._first, 1)
        return timedelta(seconds=round(rate * (self._last - step)))
