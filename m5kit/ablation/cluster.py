"""Trials as jobs of a cluster that submitit knows, such as Slurm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m5kit.ablation.worker import run_trial
from m5kit.errors import ConfigError, MissingDependencyError

EXECUTOR = "executor"
"""The parameter that says who runs the jobs: ``slurm``, ``local`` or ``debug``."""


class SubmititEngine:
    """Submits one job a trial; all machines must see the sweep's folder under the same path.

    Args:
        logs: folder for submitit's own files.
        parameters: of its executor, such as ``slurm_partition`` or ``timeout_min``; and ``executor``, by default
            ``slurm``: submitit's own default is to run everything here where it finds no cluster, without a word.

    Raises:
        MissingDependencyError: submitit is not installed.
        ConfigError: there is no such executor here, or it has no such parameter.
    """

    def __init__(self, logs: Path, parameters: Mapping[str, Any]) -> None:
        try:
            import submitit  # type: ignore[import-not-found]
        except ModuleNotFoundError as error:
            raise MissingDependencyError("submitit", "--engine submitit", "submitit") from error
        given = dict(parameters)
        name = str(given.pop(EXECUTOR, "slurm"))
        try:
            self.executor = submitit.AutoExecutor(folder=str(logs), cluster=name)
            self.executor.update_parameters(name="m5kit-ablate", **given)
        except (AssertionError, NameError, TypeError, ValueError) as error:
            raise ConfigError([f"cluster: {error}"]) from error
        except RuntimeError as error:
            here = f"cluster: {{{EXECUTOR}: local}} in the sweep file runs the jobs on this machine"
            raise ConfigError([f"cluster: {error} {here}"]) from error

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
