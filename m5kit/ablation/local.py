"""Trials as processes of this machine."""

import subprocess
import sys
from pathlib import Path

from m5kit.ablation.worker import ATTACHED


class LocalEngine:
    """Starts a worker process a trial; it ends when this process does, however that happens."""

    def start(self, folder: Path) -> "LocalJob":
        """Start the trial in ``folder``."""
        command = [sys.executable, "-m", "m5kit.ablation.worker", str(folder), ATTACHED]
        # a session of its own: Ctrl-C reaches the sweep alone, which then lets go of its workers
        return LocalJob(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))


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
