"""Joins the Ray cluster of this machine's environment, or starts one on this machine."""

import logging
import os
from collections.abc import Iterator, Mapping
from typing import Any

from m5kit.errors import ConfigError, M5KitError, MissingDependencyError

ADDRESS = "RAY_ADDRESS"
"""The environment variable with the ``HOST:PORT`` of a cluster; Ray's own."""

INHERITED = ("M5KIT_", "PYTHONPATH", "OMP_NUM_THREADS")
"""Beginnings of the variables that work takes over: Ray's processes have the environment of ``ray start``."""


SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray reports statistics of use to its makers unless it is told otherwise
    "RAY_worker_niceness": "0",  # a cluster of this machine works as urgently as the command that started it
}
"""Environment variables of Ray, unless the user has set them."""


def join_ray(needed_by: str) -> Any:
    """The library, connected: to the cluster at ``RAY_ADDRESS``, to that of this machine, or to a new one.

    Args:
        needed_by: what asks for it, for messages.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no cluster at ``RAY_ADDRESS``.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependencyError("ray", needed_by, "ray") from error
    if not ray.is_initialized():
        _connect(ray)
    _be_quiet(ray)
    return ray


def workers(ray: Any, tasks: int) -> dict[str, Any]:
    """Options of ``Dataset.map``: a process for each accelerator of the cluster, or for each processor.

    Processes are given functions, which keep what they opened in their modules: Ray Data warns about its own way to
    start objects.
    """
    resources = ray.cluster_resources()
    accelerators = int(resources.get("GPU", 0))
    most = accelerators or max(int(resources.get("CPU", 1)), 1)
    return {"concurrency": min(most, tasks), "num_gpus" if accelerators else "num_cpus": 1}


def rows_of(ray: Any, made: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a Ray dataset, as they come; an error of m5kit in one of its processes is raised as it was there.

    Raises:
        M5KitError: a row could not be made.
    """
    try:
        yield from made.iter_rows()
    except ray.exceptions.RayError as error:
        own = _own_error(error)
        raise (own or M5KitError(f"the Ray cluster lost the work ({type(error).__name__}); {error}")) from None


def _own_error(error: BaseException | None) -> M5KitError | None:
    """The error of m5kit that is behind one of Ray, or None."""
    while error is not None and not isinstance(error, M5KitError):
        error = getattr(error, "cause", None) or error.__cause__
    return error


def _connect(ray: Any) -> None:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}
    try:
        ray.init(address="auto", logging_level="ERROR", log_to_driver=False, runtime_env={"env_vars": inherited})
    except (ConnectionError, ValueError, OSError) as error:
        if os.environ.get(ADDRESS):
            reason = str(error).strip().partition("\n")[0]
            raise ConfigError([f"{ADDRESS}: no Ray cluster at {os.environ[ADDRESS]!r} ({reason})"]) from error
        # The dashboard is a web server, which a cluster for one command does not need.
        ray.init(address="local", logging_level="ERROR", log_to_driver=False, include_dashboard=False)


def _be_quiet(ray: Any) -> None:
    """Leave the screen to the command, which tells its progress itself."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
