"""The memory in which workers of a loader write down what they do."""

import torch

from m5kit.errors import DataError

INDEX, COUNT, BUSY = range(3)
"""What the board of :class:`m5kit.data.loader.WatchedItems` holds of a worker:
its item, how many it made, whether it is at one."""


def shared_board(workers: int) -> torch.Tensor:
    """Three numbers for each worker, which this process reads too.

    Raises:
        DataError: there is no memory that processes can share.
    """
    board = torch.zeros(max(workers, 1), 3, dtype=torch.int64)
    if not workers:
        return board
    try:
        board.share_memory_()
    except RuntimeError as error:
        raise DataError(
            f"workers need memory that is shared, and there is none: {' '.join(str(error).split())}; make room in "
            "/dev/shm (of a container: --shm-size), or set data.workers: 0"
        ) from error
    return board
