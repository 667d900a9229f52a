"""Opens a cluster that submitit knows, such as Slurm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m5kit.errors import ConfigError, MissingDependencyError

EXECUTOR = "executor"
"""The parameter that says who runs the jobs: ``slurm``, ``local`` or ``debug``."""


def open_executor(name: str, logs: Path, parameters: Mapping[str, Any], given_by: str) -> Any:
    """The executor to which jobs are submitted.

    Args:
        name: of the jobs.
        logs: folder for submitit's own files.
        parameters: of its executor, such as ``slurm_partition`` or ``timeout_min``; and ``executor``, by default
            ``slurm``: submitit's own default is to run everything here where it finds no cluster, without a word.
        given_by: how a user gives a parameter, up to its name; for messages.

    Raises:
        MissingDependencyError: submitit is not installed.
        ConfigError: there is no such executor here, or it has no such parameter.
    """
    try:
        import submitit  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingDependencyError("submitit", "--engine submitit", "submitit", error) from error
    given = dict(parameters)
    kind = str(given.pop(EXECUTOR, "slurm"))
    try:
        executor = submitit.AutoExecutor(folder=str(logs), cluster=kind)
        executor.update_parameters(name=name, **given)
    except (AssertionError, NameError, TypeError, ValueError) as error:
        raise ConfigError([f"cluster: {error}"]) from error
    except RuntimeError as error:
        here = f"{given_by.format(name=EXECUTOR, value='local')} runs the jobs on this machine"
        raise ConfigError([f"cluster: {error} {here}"]) from error
    return executor
