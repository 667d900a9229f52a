"""The passes of large parts that a task asks for: processes that have nothing for the task make them with nothing."""

from torch import nn

from m5kit.api import Task
from m5kit.structures import Peers


def swaps(task: Task) -> bool:
    """Whether a task wants to see made-up items fused."""
    return type(task).swap is not Task.swap


def cuts(task: Task) -> bool:
    """Whether a task wants to see cut items fused."""
    return type(task).shown is not Task.shown


def pass_by_task(task: Task, fusion: nn.Module, peers: Peers) -> None:
    """Take part in all passes that other processes make for a task."""
    for asked in (swaps(task), cuts(task)):
        if asked:
            peers.pass_by(fusion)
    for unit in task.units():
        peers.pass_by(unit)
