"""How a process that a launcher started joins the others."""

import os

import torch

from m5kit.errors import M5KitError, UsageError
from m5kit.parallel.group import Group, ProcessGroup, is_lost_contact
from m5kit.parallel.launcher import own_rank, started_processes


def start_group(timeout: float) -> Group:
    """Join the processes that a launcher started; alone without a launcher, or where it started one.

    Args:
        timeout: seconds after which a process that the others wait for is given up.

    Raises:
        ConfigError: the environment names several processes and not how they find each other.
    """
    if started_processes() == 1:
        return Group()
    _require_place()
    if torch.cuda.is_available():
        # Before anything is put on a device: every process has one of its own.
        torch.cuda.set_device(_own_device(torch.cuda.device_count()))
        return _joined("nccl", timeout)
    return _joined("gloo", timeout)


def _require_place() -> None:
    """See that the environment says which of the processes this is, and where they find each other."""
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        raise UsageError(
            [
                f"WORLD_SIZE is {started_processes()}, but {', '.join(missing)} are not set; start the processes with "
                "torchrun, or unset WORLD_SIZE to train in one"
            ]
        )
    if not 0 <= own_rank() < started_processes():
        known = f"RANK is {own_rank()}, and WORLD_SIZE is {started_processes()}"
        raise UsageError([f"{known}; processes are numbered from 0 to one less than there are"])


def _own_device(devices: int) -> int:
    """The number of the GPU of this process."""
    number = int(os.environ.get("LOCAL_RANK", "0"))
    if number >= devices:
        raise UsageError(
            [
                f"LOCAL_RANK is {number}, and this machine shows {devices} GPU(s); start as many processes on it "
                "as it has GPUs (--nproc-per-node), or make more of them visible (CUDA_VISIBLE_DEVICES)"
            ]
        )
    return number


def _joined(backend: str, timeout: float) -> ProcessGroup:
    """This process among the others.

    Raises:
        M5KitError: they did not all come in time.
    """
    try:
        return ProcessGroup(backend, timeout)
    except RuntimeError as error:
        if not is_lost_contact(error):
            raise
        place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise M5KitError(
            f"process {own_rank()} of {started_processes()} did not meet all others at {place} within {timeout:g} s "
            f"(parallel.timeout): {_first_line(error)}. Those that ended say why in their logs; those that run must "
            "reach that address. Then start all of them again"
        ) from error


def _first_line(error: RuntimeError) -> str:
    return str(error).partition("\n")[0].rstrip(". ")
