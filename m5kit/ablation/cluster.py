"""Trials as jobs of a cluster that submitit knows, such as Slurm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m5kit.ablation.worker import run_trial
from m5kit.runs.cluster import open_executor


class SubmititEngine:
    """Submits one job a trial; all machines must see the sweep's folder under the same path.

    Args:
        logs: folder for submitit's own files.
        parameters: of its executor, such as ``slurm_partition`` or ``timeout_min``; and ``executor``.

    Raises:
        MissingDependencyError: submitit is not installed.
        ConfigError: there is no such executor here, or it has no such parameter.
    """

    def __init__(self, logs: Path, parameters: Mapping[str, Any]) -> None:
        given_by = "cluster: {{{name}: {value}}} in the sweep file"
        self.executor = open_executor("m5kit-ablate", logs, parameters, given_by)

    def start(self, folder: Path) -> "SubmittedJob":
        """Submit the trial in ``folder``."""
        return SubmittedJob(self.executor.submit(run_trial, folder))


class SubmittedJob:
    """A job of the cluster.

    Args:
        job: as submitit gives it.
    """

    def __init__(self, job: Any) -> None:
        self.job = job

    def ended(self) -> str | None:
        """How it ended; None while it waits or runs."""
        return f"its cluster job {self.job.job_id} ended as {self.job.state}" if self.job.done() else None

    def stop(self) -> None:
        """Leave the job to the cluster: it goes on, and ``--resume`` waits for what it writes."""
