"""Further metrics for a finished run: its config with another ``evaluation``."""

from collections.abc import Sequence
from dataclasses import replace

from m5kit.config import RunConfig, check_config, load_config
from m5kit.errors import ConfigError
from m5kit.inference.evaluation_check import metric_problems
from m5kit.inference.trained_run import TrainedRun
from m5kit.runs.folder import RunFolder


def config_with_metrics(folder: RunFolder, overrides: Sequence[str]) -> RunConfig:
    """The config of a run with other metrics; no model is loaded before its mistakes are found.

    Args:
        folder: of the run.
        overrides: ``evaluation.NAME.KEY=VALUE``, or ``evaluation=PIECE``.

    Raises:
        ConfigError: every mistake, such as a key that is no metric's: the model is trained, so nothing else can change.
    """
    others = [text for text in overrides if text.partition("=")[0].strip().partition(".")[0] != "evaluation"]
    if others:
        raise ConfigError([f"--set {text}: the run is trained; only evaluation.* can change now" for text in others])
    config = check_config(load_config(folder.config, overrides))
    problems = list(metric_problems(config))
    if problems:
        raise ConfigError(problems)
    return config


def with_metrics(trained: TrainedRun, overrides: Sequence[str]) -> TrainedRun:
    """The run with other metrics.

    Raises:
        ConfigError: every mistake in them.
    """
    changed = config_with_metrics(trained.folder, overrides)
    return replace(trained, config=replace(trained.config, evaluation=changed.evaluation))
