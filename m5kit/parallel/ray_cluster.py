"""Joins the Ray cluster of this machine's environment, or starts one on this machine."""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from m5kit.errors import M5KitError, MissingDependencyError, UsageError

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
        raise MissingDependencyError("ray", needed_by, "ray", error) from error
    if not ray.is_initialized():
        _connect(ray)
    _be_quiet(ray)
    return ray


def processors(ray: Any) -> int:
    """How many the cluster has."""
    return max(int(ray.cluster_resources().get("CPU", 1)), 1)


def over(ray: Any, given: Sequence[Any], function: Callable[[Any], Any], accelerated: bool = False) -> Iterator[Any]:
    """What a function makes of each of some values, by Ray Data, in the order in which it is made.

    Each value is a block, so a process that is done takes the next one, and one that is lost costs one, which another
    makes again. Values travel pickled: Ray Data would look for one type of column in all of them.

    Args:
        ray: the library, connected.
        given: what there is to do.
        function: one that can be pickled; what it opens it keeps in its module, for the next value.
        accelerated: run one task at a time on each accelerator of the cluster, if it has any, in place of each
            processor.

    Raises:
        M5KitError: the function raised one, with its message; or the cluster lost the work.
    """
    accelerators = int(ray.cluster_resources().get("GPU", 0)) if accelerated else 0
    most = min(accelerators or processors(ray), len(given))
    needs = {"num_gpus" if accelerators else "num_cpus": 1}
    blocks = ray.data.from_items([{"value": pickle.dumps(value)} for value in given], override_num_blocks=len(given))
    made = blocks.map(partial(apply, function=function), concurrency=most, **needs)
    try:
        for row in made.iter_rows():
            if row["mistake"]:
                raise M5KitError(row["mistake"])
            yield pickle.loads(row["made"])
    except ray.exceptions.RayError as error:
        raise M5KitError(f"the Ray cluster lost the work ({type(error).__name__}): {error}") from error


def apply(row: Mapping[str, bytes], *, function: Callable[[Any], Any]) -> dict[str, Any]:
    """Call the function, in a process of the cluster.

    A mistake is handed on as a value: as an exception it would arrive as text, in the middle of Ray's traceback.
    """
    try:
        return {"made": pickle.dumps(function(pickle.loads(row["value"]))), "mistake": ""}
    except M5KitError as error:
        return {"made": b"", "mistake": str(error)}


def _connect(ray: Any) -> None:
    inherited = {name: value for name, value in os.environ.items() if name.startswith(INHERITED)}
    try:
        ray.init(address="auto", logging_level="ERROR", log_to_driver=False, runtime_env={"env_vars": inherited})
    except (ConnectionError, ValueError, OSError) as error:
        if os.environ.get(ADDRESS):
            reason = str(error).strip().partition("\n")[0]
            raise UsageError([f"{ADDRESS}: no Ray cluster at {os.environ[ADDRESS]!r} ({reason})"]) from error
        # The dashboard is a web server, which a cluster for one command does not need.
        ray.init(address="local", logging_level="ERROR", log_to_driver=False, include_dashboard=False)


def _be_quiet(ray: Any) -> None:
    """Leave the screen to the command, which tells its progress itself."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
