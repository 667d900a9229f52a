"""Calls the hooks that a config names: the only place where mmengine's moments become theirs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from m5kit.api import Hook, Training
from m5kit.errors import ConfigError
from m5kit.hooks.base import WEIGHTS
from m5kit.runs.log import LOGGER
from m5kit.train import mmengine as door
from m5kit.train.callbacks.metrics import MetricsHook


class PartsHook(door.Hook):  # type: ignore[misc]  # mmengine ships no types
    """Hands a run's moments to hooks, in the order of the config, and ends the run if one of them says so.

    Args:
        hooks: by name.
        folder: of the run.
        metrics: knows the figures of a logged step; it runs before.
        say: shows the user why a run ended.
    """

    priority = 80  # after the figures, before the checkpoint, which holds the hooks' state

    def __init__(
        self, hooks: Mapping[str, Hook], folder: Path, metrics: MetricsHook, say: Callable[[str], None]
    ) -> None:
        self.hooks = hooks
        self.folder = folder
        self.metrics = metrics
        self.say = say

    def before_train(self, runner: Any) -> None:
        """Begin, or go on."""
        self._training = Training(runner.model.model, self.folder, runner.max_iters, runner.iter)
        self._call(runner, "before_train")
        offering = [
            name for name, hook in self.hooks.items() if any(key.startswith(WEIGHTS) for key in hook.state_dict())
        ]
        if len(offering) > 1:
            raise ConfigError([f"hooks: {' and '.join(offering)} each offer weights of their own; keep one of them"])

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """A step begins."""
        self._training.ids = tuple(name for batch in data_batch.batches for name in batch.ids)
        self._call(runner, "before_step")

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """A step is done, and perhaps logged."""
        self._training.step = batch_idx + 1
        self._training.logs = outputs
        self._call(runner, "after_step")
        if self.metrics.figures is not None:
            self._call(runner, "after_figures", self.metrics.figures)

    def after_train(self, runner: Any) -> None:
        """The end."""
        self._call(runner, "after_train")
        if self._training.stopped is not None:
            text = f"ended after step {self._training.step}: {self._training.stopped}"
            LOGGER.info(text)
            self.say(text)

    def _call(self, runner: Any, moment: str, *more: Any) -> None:
        for name, hook in self.hooks.items():
            try:
                getattr(hook, moment)(self._training, *more)
            except Exception as error:
                error.add_note(f"raised by hooks.{name} ({type(hook).__name__}.{moment})")
                raise
        if self._training.stopped is not None:
            runner.train_loop.stop_training = True
