"""How workers of a loader end before their work is done, and what the process that waits for them says of it."""

import logging
import os
from multiprocessing.queues import Queue
from typing import Any

log = logging.getLogger("m5kit")

UNSENT = 75
"""Exit status of a worker that could not hand over a batch: EX_TEMPFAIL of sysexits.h, which Python never ends with."""


def end_at_unsent_batches() -> None:
    """Let this worker end when a batch cannot be handed over; else it goes on, and the batch is awaited for ever."""
    # the hook that multiprocessing has for this; the thread that sends would print a traceback and forget the batch
    Queue._on_queue_feeder_error = staticmethod(_end)  # type: ignore[attr-defined]  # unknown to its stubs


def _end(error: Exception, batch: Any) -> None:
    log.error("a batch cannot be handed over: %s", " ".join(f"{type(error).__name__}: {error}".split()))
    os._exit(UNSENT)  # of the process: this is a thread


def sentence(worker: int, status: int, held: str) -> str:
    """Why a worker ended, and what to do about it.

    Args:
        worker: its number.
        status: its exit status; that of a signal is negative.
        held: what it was at.
    """
    if status == UNSENT:
        return (
            f"loader worker {worker} made a batch that cannot be handed over, for the reason above. Allow larger files "
            "(ulimit -f) or more shared memory (/dev/shm, of a container --shm-size), or set data.workers: 0"
        )
    how = f"by signal {-status}" if status < 0 else f"with status {status}"
    return (
        f"loader worker {worker} ended {how}; {held}. If memory ran out, take fewer data.workers or a smaller "
        "data.item_memory; m5kit data validate --decode finds damaged files"
    )
