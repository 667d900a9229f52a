"""Joins the Ray cluster of this machine's environment, or starts one on this machine."""

import logging
import os
from typing import Any

from m5kit.errors import ConfigError, MissingDependencyError

ADDRESS = "RAY_ADDRESS"
"""The environment variable with the ``HOST:PORT`` of a cluster; Ray's own."""

INHERITED = ("M5KIT_", "PYTHONPATH", "OMP_NUM_THREADS")
"""Beginnings of the variables that work takes over: Ray's processes have the environment of ``ray start``."""


def join_ray(needed_by: str) -> Any:
    """The library, connected: to the cluster at ``RAY_ADDRESS``, to that of this machine, or to a new one.

    Args:
        needed_by: what asks for it, for messages.

    Raises:
        MissingDependencyError: ray is not installed.
        ConfigError: there is no cluster at ``RAY_ADDRESS``.
    """
    # Ray reports statistics of use to its makers unless it is told otherwise.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependencyError("ray", needed_by, "ray") from error
    if not ray.is_initialized():
        _connect(ray)
    _be_quiet(ray)
    return ray


def processors(ray: Any) -> int:
    """How many processors the cluster has."""
    return max(int(ray.cluster_resources().get("CPU", 1)), 1)


def _connect(ray: Any) -> None:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}
    try:
        ray.init(address="auto", logging_level="ERROR", runtime_env={"env_vars": inherited})
    except (ConnectionError, ValueError, OSError) as error:
        if os.environ.get(ADDRESS):
            reason = str(error).strip().partition("\n")[0]
            raise ConfigError([f"{ADDRESS}: no Ray cluster at {os.environ[ADDRESS]!r} ({reason})"]) from error
        # The dashboard is a web server, which a cluster for one command does not need.
        ray.init(address="local", logging_level="ERROR", include_dashboard=False)


def _be_quiet(ray: Any) -> None:
    """Leave the screen to the command, which tells its progress itself."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
