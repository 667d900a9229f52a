"""Ends a run that has stopped getting better."""

from collections.abc import Mapping
from typing import Any, Literal

from m5kit.errors import ConfigError
from m5kit.hooks.base import Hook, Training
from m5kit.ranges import Amount, Count, Share
from m5kit.registry import HOOKS


@HOOKS.register_module("early_stopping")
class EarlyStoppingHook(Hook):
    """Stops when a figure of ``metrics.jsonl`` has not improved for a while.

    The figures of single steps are noisy, so they are smoothed first; a small ``smoothing`` needs a large ``patience``.

    Args:
        figure: its name, such as ``loss`` or ``loss/contrastive``.
        patience: logged steps (``logging.every_steps`` apart) without an improvement after which the run ends.
        smoothing: share of the running mean that a logged step leaves; 0 for none.
        least: what counts as an improvement of the running mean.
        better: ``lower`` or ``higher``.
    """

    def __init__(
        self,
        *,
        figure: str = "loss",
        patience: Count = 20,
        smoothing: Share = 0.8,
        least: Amount = 0.0,
        better: Literal["lower", "higher"] = "lower",
    ) -> None:
        if patience < 1 or not 0 <= smoothing < 1 or least < 0:
            raise ConfigError(
                [
                    "hook 'early_stopping': expected patience of at least 1, smoothing from 0 to below 1 and least not "
                    f"below 0, got {patience}, {smoothing}, {least}"
                ]
            )
        self.figure, self.patience, self.smoothing = figure, patience, smoothing
        self.least, self.sign = least, 1 if better == "lower" else -1
        self._mean: float | None = None
        self._best: float | None = None
        self._waited = self._missing = 0

    def before_train(self, training: Training) -> None:
        """A run that was ended is not begun again by resuming it."""
        self._end(training)

    def after_figures(self, training: Training, figures: Mapping[str, float]) -> None:
        """Compare; a step in which the figure is missing (a task that had nothing to do) does not count.

        Raises:
            ConfigError: no step has had the figure, so that the run would never be ended.
        """
        if self.figure not in figures:
            self._require_known(figures)
            return
        # With the sign turned, lower is better for every figure, and one comparison does.
        now = self.sign * figures[self.figure]
        # The first value as it is: a mean that starts at 0 would look like a best one that is never reached again.
        self._mean = now if self._mean is None else self.smoothing * self._mean + (1 - self.smoothing) * now
        if self._best is None or self._mean < self._best - self.least:
            self._best, self._waited = self._mean, 0
        else:
            self._waited += 1
        self._end(training)

    def state_dict(self) -> dict[str, Any]:
        """The running mean, the best one, and how long ago that was."""
        return {"mean": self._mean, "best": self._best, "waited": self._waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self._mean, self._best, self._waited = state["mean"], state["best"], state["waited"]

    def _require_known(self, figures: Mapping[str, float]) -> None:
        """Refuse a name that no step has; held-out values come with few steps, so all of them must be there first."""
        self._missing += 1
        expected = not self.figure.startswith("val/") or any(name.startswith("val/") for name in figures)
        if self._mean is None and self._missing >= self.patience and expected:
            known = ", ".join(figures)
            raise ConfigError([f"hook 'early_stopping': no step has a figure {self.figure!r}; there are: {known}"])

    def _end(self, training: Training) -> None:
        if self._waited >= self.patience:
            training.stop(f"{self.figure} has not improved for {self._waited} logged steps")
