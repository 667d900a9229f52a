"""How many cores torch takes on a machine where the workers that decode need some too."""

import os

import torch

VARIABLE = "OMP_NUM_THREADS"


def share_cores() -> int:
    """Give torch half of this process's cores, at least one, unless ``OMP_NUM_THREADS`` says how many.

    Threads wait for each other at every operation; where workers hold the cores, more of them are slower than fewer.
    The number does not depend on the workers, so a run resumed with other ones computes the same bits.

    Returns:
        The number of threads.
    """
    if VARIABLE not in os.environ:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // 2))
    return torch.get_num_threads()
