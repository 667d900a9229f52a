"""The callbacks of every run, in the order that they depend on."""

from collections.abc import Mapping

from rich.console import Console

from m5kit.api import Hook
from m5kit.config import RunConfig
from m5kit.data.failures import FailureLog
from m5kit.runs.folder import RunFolder
from m5kit.train.callbacks.base import Callback
from m5kit.train.callbacks.checkpoint import CheckpointCallback
from m5kit.train.callbacks.failures import FailuresCallback
from m5kit.train.callbacks.finite import FiniteCallback
from m5kit.train.callbacks.hooks import HooksCallback
from m5kit.train.callbacks.metrics import MetricsCallback
from m5kit.train.progress import Progress


def standard_callbacks(
    config: RunConfig, folder: RunFolder, hooks: Mapping[str, Hook], console: Console
) -> tuple[list[Callback], CheckpointCallback]:
    """What a run needs beside its steps.

    Args:
        config: says how often.
        folder: of the run.
        hooks: by name.
        console: where progress is shown.

    Returns:
        All of them in order, and the one among them that knows which signal ended the run.
    """
    every = config.logging.every_steps
    finite = FiniteCallback(every)
    metrics = MetricsCallback(folder, every, Progress(console))
    saver = CheckpointCallback(
        folder.checkpoints, config.checkpoint.every_steps, config.checkpoint.keep, hooks, finite.require
    )
    failures = FailuresCallback(FailureLog(folder.failures, config.data.max_failed))
    # first what may end the run, then what reads its values; a checkpoint holds the state of all of them
    return [finite, failures, metrics, HooksCallback(hooks, folder.path, metrics, console.print), saver], saver
