"""Several processes make parts of one result in turn, and the first of them puts the parts together in order."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from m5kit.errors import M5KitError
from m5kit.parallel.group import Group

Part = TypeVar("Part")


class OtherProcessError(M5KitError):
    """Another process of the group has failed, so this one stops too."""


def share_out(group: Group, made: Iterable[Part], rounds: int, take: Callable[[Part], None]) -> None:
    """Have every process make its parts, and the first one take all of them in the order of their numbers.

    Process r makes the parts r, r + n, r + 2n, ... of n processes. In a round each sends one, so that no process holds
    more than n parts at a time. All processes must call this.

    Args:
        group: the processes.
        made: the parts of this process; it may end a part before the others do.
        rounds: how many parts the first process makes.
        take: called in the first process with every part.

    Raises:
        OtherProcessError: another process failed in making or taking a part; all of them stop then. In the process that
            failed its own error is raised.
    """
    parts = iter(made)
    trouble: Exception | None = None
    for _ in range(rounds):
        part = None
        if trouble is None:
            try:
                part = next(parts, None)
            except Exception as error:  # told to the others first, which would wait for this process
                trouble = error
        _tell(group, trouble)
        every = group.gathered(part)
        try:
            for each in every:
                if each is not None:
                    take(each)
        except Exception as error:
            trouble = error
    _tell(group, trouble)


def _tell(group: Group, trouble: Exception | None) -> None:
    """Raise what went wrong in any process, in all of them."""
    reasons = group.values(None if trouble is None else f"{trouble or type(trouble).__name__}")
    if trouble is not None:
        raise trouble
    for rank, reason in enumerate(reasons):
        if reason is not None:
            raise OtherProcessError(f"process {rank} of {group.size} failed: {reason}")
