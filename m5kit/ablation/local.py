"""Trials as processes of this machine."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from m5kit.ablation.worker import ATTACHED


class LocalEngine:
    """Starts a worker process a trial; it ends when this process does, however that happens.

    Args:
        at: the folder that the processes start in; None for that of this process.
        environment: variables of the processes beside those of this one.
        prefix: words before the command that starts each.
    """

    def __init__(
        self, at: Path | None = None, environment: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> None:
        self.at = at
        self.environment = environment or {}
        self.prefix = prefix

    def start(self, folder: Path) -> "LocalJob":
        """Start the trial in ``folder``."""
        command = [*self.prefix, sys.executable, "-m", "m5kit.ablation.worker", str(folder), ATTACHED]
        # a session of its own: Ctrl-C reaches the sweep alone, which then lets go of its workers
        environment = {**os.environ, **self.environment}
        options: dict[str, Any] = {"stdin": subprocess.PIPE, "cwd": self.at, "env": environment}
        return LocalJob(subprocess.Popen(command, start_new_session=True, **options))


class LocalJob:
    """A worker process.

    Args:
        process: with a pipe as its standard input.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def ended(self) -> str | None:
        """How it ended; None while it runs."""
        status = self.process.poll()
        return None if status is None else f"its worker process ended with status {status}"

    def stop(self) -> None:
        """Let go of the worker, which then kills its trial, and wait for that."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
