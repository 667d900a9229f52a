"""mmengine's runner, kept quiet and with m5kit's checkpoints."""

import logging
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from m5kit.train.mmengine import MMLogger, Runner, Visualizer


class QuietRunner(Runner):  # type: ignore[misc]  # mmengine ships no types
    """mmengine's runner without what breaks or slows it beside current libraries.

    Left out, each for a reason found by running it: the environment report (imports torchvision and fails beside a
    mismatched one), the dump of the config (calls a code formatter), its own log file and banners, the visualiser's
    figure (a second at every start), and its checkpoints (pickles that torch no longer loads).

    Args:
        folder: the run's folder.
        resume_from: called when mmengine would load a checkpoint; returns the step to go on from.
        keywords: everything else goes to mmengine.
    """

    def __init__(self, folder: Path, resume_from: Callable[["QuietRunner"], int], **keywords: Any) -> None:
        self._resume_from = resume_from
        # mmengine keeps loggers and hubs by name in the process; two runs must never share one
        name = f"m5kit-{os.getpid()}-{random.SystemRandom().getrandbits(48):012x}"
        super().__init__(work_dir=str(folder), experiment_name=name, default_scope="m5kit", **keywords)

    @property
    def timestamp(self) -> str:
        """Names mmengine's log folder; the run's own folder serves."""
        return "."

    def build_logger(self, log_level: int | str = "INFO", log_file: str | None = None, **keywords: Any) -> MMLogger:
        """A logger that speaks only of errors: the run's messages are m5kit's own."""
        return MMLogger.get_instance(name=self.experiment_name, log_level=logging.ERROR)

    def build_visualizer(self, visualizer: Any = None) -> Visualizer | None:
        """None: m5kit's hooks write the events."""
        return None

    def load_or_resume(self) -> None:
        """Continue from m5kit's checkpoint."""
        self.train_loop.iter = self._resume_from(self)

    def dump_config(self) -> None:
        """The run folder already holds the config."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """The run folder already holds the versions."""
