"""How items are shared out among the processes of a run: as evenly as whole items allow."""

import numpy as np
from numpy.typing import NDArray


def shares(items: int, processes: int) -> list[int]:
    """How many of the items each process takes.

    Example:
        >>> shares(256, 3)
        [86, 85, 85]
    """
    least, more = divmod(items, processes)
    return [least + (rank < more) for rank in range(processes)]


def dealt(costs: NDArray[np.int64], processes: int) -> NDArray[np.int64]:
    """Which process takes each item, so that all have about as much to do.

    The items are dealt out in rounds, the costliest first: in each round who has least so far gets the costliest. Each
    process gets as many items as :func:`shares` says. Where one thing that items may have costs more than all others
    together, no process has more than one item with it above another.

    Args:
        costs: of each item ``n``.
        processes: how many share the items.

    Returns:
        The rank of each item ``n``.

    Example:
        >>> dealt(np.array([9, 1, 5, 7, 2]), processes=2)  # 9, 2 and 1 against 7 and 5
        array([0, 0, 1, 1, 0])
    """
    ranks = np.empty(len(costs), dtype=np.int64)
    load = np.zeros(processes, dtype=np.int64)
    # stable, here and below, so that all processes find the same
    costliest = np.argsort(-costs, kind="stable")
    for first in range(0, len(costs), processes):
        items = costliest[first : first + processes]
        takers = load[: len(items)].argsort(kind="stable")  # a last round that is not full is for the first of them
        ranks[items] = takers
        load[takers] += costs[items]
    return ranks
