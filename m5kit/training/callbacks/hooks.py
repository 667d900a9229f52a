"""Calls the hooks that a config names."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from m5kit.api import Hook, Training
from m5kit.errors import ConfigError
from m5kit.hooks.base import WEIGHTS
from m5kit.runs.log import LOGGER
from m5kit.training.callbacks.base import Callback, StepData, TrainState
from m5kit.training.callbacks.metrics import MetricsCallback


class HooksCallback(Callback):
    """Hands a run's moments to hooks, in the order of the config, and ends the run if one of them says so.

    It stands after the metrics, whose values it hands on, and before the checkpoint, which holds the hooks' state.

    Args:
        hooks: by name.
        folder: of the run.
        metrics: knows the values of a logged step.
        write: shows the user why a run ended.
    """

    def __init__(
        self, hooks: Mapping[str, Hook], folder: Path, metrics: MetricsCallback, write: Callable[[str], None]
    ) -> None:
        self.hooks = hooks
        self.folder = folder
        self.metrics = metrics
        self.write = write

    def before_train(self, state: TrainState) -> None:
        """Begin, or go on."""
        self._training = Training(state.model, self.folder, state.max_steps, state.step)
        self._call(state, "before_train")
        offering = [name for name, hook in self.hooks.items() if _offers_weights(hook)]
        if len(offering) > 1:
            raise ConfigError([f"hooks: {' and '.join(offering)} each offer weights of their own; keep one of them"])

    def before_step(self, state: TrainState, data: StepData) -> None:
        """A step begins."""
        ids: list[str] = []
        for batch in data.batches:
            ids += batch.ids
        self._training.ids = tuple(ids)
        self._call(state, "before_step")

    def after_step(self, state: TrainState, data: StepData, outputs: Mapping[str, Tensor]) -> None:
        """A step is done, and perhaps logged."""
        self._training.step = state.step
        self._training.logs = outputs
        self._call(state, "after_step")
        if self.metrics.figures is not None:
            self._call(state, "after_figures", self.metrics.figures)

    def after_train(self, state: TrainState) -> None:
        """The end."""
        self._call(state, "after_train")
        if self._training.stopped is not None:
            text = f"ended after step {self._training.step}: {self._training.stopped}"
            LOGGER.info(text)
            self.write(text)

    def _call(self, state: TrainState, moment: str, *more: Any) -> None:
        for name, hook in self.hooks.items():
            try:
                getattr(hook, moment)(self._training, *more)
            except Exception as error:
                error.add_note(f"raised by hooks.{name} ({type(hook).__name__}.{moment})")
                raise
        if self._training.stopped is not None:
            state.stopping = True


def _offers_weights(hook: Hook) -> bool:
    return any(key.startswith(WEIGHTS) for key in hook.state_dict())
