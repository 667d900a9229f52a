"""Trials as tasks of a Ray cluster, or of one that Ray starts on this machine."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from m5kit.ablation.local import LocalEngine
from m5kit.ablation.sweep import SweepSection
from m5kit.config.parts import describe
from m5kit.errors import ConfigError, MissingDependencyError
from m5kit.signatures import hint

HERE = "local"
"""The address that starts a cluster on this machine for the length of the sweep."""

BEHIND_A_SHELL = ("sh", "-c", '"$0" "$@"; exit $?')
"""Where a process of Ray ends, Ray kills its children, but not theirs: so the worker lives on to end its trial."""

INHERITED = ("M5KIT_", "PYTHONPATH")
"""Beginnings of the variables that trials take over: Ray's processes have the environment of ``ray start``."""


class RayParameters(SweepSection):
    """What ``cluster`` of a sweep file may say for ``--engine ray``."""

    address: str = "auto"
    """``HOST:PORT`` of a cluster, ``auto`` for the one that this machine belongs to, or ``local``."""
    num_cpus: Annotated[float, Field(gt=0)] | None = None
    """Cores that Ray keeps free for a trial; empty for ``budget.threads``."""
    num_gpus: Annotated[float, Field(ge=0)] = 0
    """Accelerators of a trial."""
    memory: Annotated[int, Field(gt=0)] | None = None
    """Bytes that Ray keeps free for a trial."""


class RayEngine:
    """Runs one task a trial; all machines must see the sweep's folder under the same path.

    A trial ends with its sweep: Ray kills the tasks of a driver that is gone, and each takes its trial with it.

    Args:
        parameters: ``cluster`` of the sweep file: see :class:`RayParameters`.
        threads: of one trial.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no such parameter or cluster, or no machine of it is large enough for a trial.
    """

    def __init__(self, parameters: Mapping[str, Any], threads: int) -> None:
        given = _read(parameters)
        # Ray reports statistics of use to its makers unless it is told otherwise.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise MissingDependencyError("ray", "--engine ray", "ray", error) from error
        self.ray = ray
        _connect(ray, given.address)
        needs = {"num_cpus": given.num_cpus or threads, "num_gpus": given.num_gpus, "memory": given.memory}
        _require_room(ray, needs)
        # No retries: a trial whose machine is lost has failed, and whoever reads why decides whether to try again.
        self.task = ray.remote(max_retries=0, **needs)(run_here)
        self.environment = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}

    def start(self, folder: Path) -> "RayJob":
        """Queue the trial in ``folder``."""
        return RayJob(self.ray, self.task.remote(folder, Path.cwd(), self.environment))


class RayJob:
    """A task of the cluster.

    Args:
        ray: the library.
        result: the reference that Ray gives for the task's result.
    """

    def __init__(self, ray: Any, result: Any) -> None:
        self.ray = ray
        self.result = result

    def ended(self) -> str | None:
        """How it ended; None while it waits or runs."""
        done, _ = self.ray.wait([self.result], timeout=0)
        if not done:
            return None
        try:
            return f"its Ray task ended with status {self.ray.get(self.result)}"
        except self.ray.exceptions.RayError as error:
            # The message is long, or empty where the task was cancelled; the class says what happened.
            return f"its Ray task was lost ({type(error).__name__})"

    def stop(self) -> None:
        """Kill the task's process, whose trial ends with it."""
        self.ray.cancel(self.result, force=True)


def run_here(folder: Path, at: Path, environment: Mapping[str, str]) -> int:
    """Run a trial on the machine of this process and wait for it; the exit status of its worker.

    The worker is a process of its own that watches this one: Ray may end it with SIGKILL, which it cannot pass on.

    Args:
        folder: of the trial.
        at: the folder that relative paths of its config start from.
        environment: variables to set.
    """
    return LocalEngine(at, environment, BEHIND_A_SHELL).start(folder).process.wait()


def _read(parameters: Mapping[str, Any]) -> RayParameters:
    """The parameters, or every mistake in them."""
    try:
        return RayParameters(**parameters)
    except ValidationError as error:
        raise ConfigError([_sentence(problem) for problem in error.errors()]) from error


def _sentence(problem: Any) -> str:
    name = str(problem["loc"][0])
    if problem["type"] == "extra_forbidden":
        return f"cluster.{name}: unknown key for --engine ray; {hint(name, RayParameters.model_fields)}"
    return f"cluster.{name}: {describe(problem)}"


def _connect(ray: Any, address: str) -> None:
    """Join a cluster or start one; a process that belongs to one already stays there."""
    if ray.is_initialized():
        return
    # The dashboard is a web server, which a cluster for one sweep does not need.
    options: dict[str, Any] = {"include_dashboard": False} if address == HERE else {}
    try:
        _reach(address)
        ray.init(address=address, logging_level="ERROR", **options)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            [
                f"cluster.address: no Ray cluster at {address!r} ({reason}); start one with `ray start --head`, "
                f"give its HOST:PORT, or let {{address: {HERE}}} in the sweep file run the trials on this machine"
            ]
        ) from error


def _reach(address: str) -> None:
    """Ray itself tries an address for minutes before it gives up."""
    if address not in ("auto", HERE):
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()


def _require_room(ray: Any, needs: Mapping[str, float | None]) -> None:
    """Ray would wait for ever for a machine that is larger than all it has.

    Raises:
        ConfigError: no machine of the cluster has what one trial needs.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    problems = []
    for name, resource in (("num_cpus", "CPU"), ("num_gpus", "GPU"), ("memory", "memory")):
        most, needed = max(machine.get(resource, 0) for machine in machines), needs[name] or 0
        if needed > most:
            problems.append(f"cluster.{name}: a trial needs {needed:g}, and the largest machine has {most:g}")
    if problems:
        raise ConfigError(problems)
