"""A loader that knows which item each of its workers holds, and says so when one dies or does not answer."""

import atexit
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, get_worker_info

from m5kit.data.board import BUSY, COUNT, INDEX, shared_board
from m5kit.data.limits import allow_open_files
from m5kit.data.worker_ends import sentence
from m5kit.errors import DataError

log = logging.getLogger("m5kit")

FILES = 48
"""Open files that a worker, or the process itself, needs: its own, and those of the batches that wait."""

POLL = 5.0
"""Seconds between two looks at the workers while a batch is awaited."""

TALK = 20.0
"""Seconds of waiting after which, and between which, the log says so."""

GRACE = 60.0
"""Seconds without any finished item, beyond the limit of one, after which the workers are given up."""

UNLIMITED = 600.0
"""The limit of one item for that purpose where the config sets none."""


class WatchedItems(Dataset[Any]):
    """The items of a dataset; a worker writes down, in memory that all processes share, which one it holds.

    Args:
        items: drawn by number, or by :class:`m5kit.data.sampler.Draw`.
        workers: how many processes there will be.
        seconds: how long one file may take in a worker; None for no limit.
    """

    def __init__(self, items: Dataset[Any], workers: int, seconds: float | None) -> None:
        self.items, self.seconds = items, seconds
        self.board = shared_board(workers)

    def __len__(self) -> int:
        return len(self.items)  # type: ignore[arg-type]  # torch's class promises none

    def __getitem__(self, draw: Any) -> Any:
        worker = get_worker_info()
        if worker is None:
            return self.items[draw]
        place = self.board[worker.id].numpy()
        place[INDEX], place[BUSY] = (draw if isinstance(draw, int) else draw.index), 1
        found = self.items[draw]
        place[COUNT] += 1
        place[BUSY] = 0
        return found


class WatchedLoader(DataLoader[Any]):
    """Batches made by worker processes, or by this one where ``num_workers`` is 0.

    Args:
        items: the dataset.
        name: the id of an item by its index, for messages.
        num_workers: how many processes.
        options: those of ``torch.utils.data.DataLoader``.
    """

    def __init__(
        self, items: WatchedItems, *, name: Callable[[int], str], num_workers: int = 0, **options: Any
    ) -> None:
        super().__init__(items, num_workers=num_workers, timeout=POLL if num_workers else 0, **options)
        self.items, self.name = items, name

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]  # torch promises a class of its own
        """Start the workers.

        Raises:
            DataError: a worker dies, none of them finishes an item for a long time, or too few files may be open.
        """
        if not self.num_workers:
            return super().__iter__()
        if not allow_open_files(FILES * (self.num_workers + 1)):
            # without this, workers wait without end for files that cannot be opened
            raise DataError(
                f"{self.num_workers} loader workers need about {FILES * (self.num_workers + 1)} open files, more than "
                "this process may have; allow more (ulimit -n), or take fewer data.workers"
            )
        with _same_child_handler():
            batches = super().__iter__()
        return self._watched(batches)

    def _watched(self, batches: Any) -> Iterator[Any]:
        watch = _Watch(self, batches)
        watch.start()
        # The traceback of an error that nobody handles keeps this generator until the process ends. Multiprocessing
        # then waits for the workers without end: they pass over the one signal that it sends.
        atexit.register(watch.end)
        try:
            while True:
                try:
                    batch = self._next(batches, watch)
                except StopIteration:
                    return
                yield batch
        finally:
            atexit.unregister(watch.end)
            watch.over.set()
            # Else the watch could be the last to hold the batches, and free their memory while the process ends: the
            # interpreter stops such a thread inside of torch, and that aborts the process.
            watch.join()

    def _next(self, batches: Any, watch: "_Watch") -> Any:
        """The next batch, however long it takes as long as some worker gets on."""
        watch.waiting = time.monotonic()
        try:
            while True:
                try:
                    return next(batches)
                except RuntimeError as error:
                    if not str(error).startswith("DataLoader timed out"):
                        raise
        except DataError as error:
            raise _without_traceback(error) from None
        except (RuntimeError, OSError, EOFError) as error:
            # OSError, EOFError: a batch lies in memory that its worker must hand over, and it is gone.
            if watch.given_up is not None:
                raise DataError(watch.given_up) from error
            self._explain(batches, error)
            raise
        finally:
            watch.waiting = None

    @property
    def is_fetching(self) -> bool:
        """Whether the next batch is held up by files that are not on this machine yet."""
        return bool(getattr(self.batch_sampler, "is_waiting", False))

    @property
    def finished(self) -> int:
        """How many items the workers have made."""
        return int(self._board[:, COUNT].sum())

    @property
    def _board(self) -> NDArray[np.int64]:
        board: NDArray[np.int64] = self.items.board.numpy()
        return board

    def held(self) -> str:
        """What each worker is at."""
        return "; ".join(self._what_holds(number) for number in range(self.num_workers))

    def _what_holds(self, worker: int) -> str:
        index, count, busy = self._board[worker].tolist()
        if not busy and not count:
            return f"worker {worker} has not begun"
        verb = "holds" if busy else "is idle, its last item was"
        return f"worker {worker} {verb} {self.name(index)!r}"

    def _explain(self, batches: Any, error: Exception) -> None:
        """Raise a DataError if a worker died."""
        for number, worker in enumerate(getattr(batches, "_workers", ())):
            worker.join(1)  # a broken connection may be seen before the end of the process behind it
            if worker.exitcode:
                raise DataError(sentence(number, worker.exitcode, self._what_holds(number))) from error


def _without_traceback(error: DataError) -> DataError:
    """The error of a worker as it was raised there; torch puts the traceback in front of its message."""
    kind = type(error)
    return kind(str(error).rpartition(f"{kind.__name__}: ")[2].strip())


class _Watch(threading.Thread):
    """Says when a batch is awaited for long, and ends workers of which none gets on.

    It is a thread of its own, because the process may wait inside of a worker's socket, which has no time limit.

    Args:
        loader: knows what its workers are at.
        batches: the iterator over its batches.
    """

    def __init__(self, loader: WatchedLoader, batches: Any) -> None:
        super().__init__(name="m5kit-loader", daemon=True)
        self.loader, self.batches = loader, batches
        self.limit = (loader.items.seconds or UNLIMITED) + GRACE
        self.waiting: float | None = None
        self.given_up: str | None = None
        self.over = threading.Event()

    def end(self) -> None:
        """Kill the workers and look no longer, because the process ends."""
        self.over.set()
        _kill(self.batches)
        self.join()

    def run(self) -> None:
        """Look at the workers until the loader is done."""
        finished, moved, spoken = -1, 0.0, 0.0
        while not self.over.wait(POLL):
            begun, now, count = self.waiting, time.monotonic(), self.loader.finished
            if begun is None or count > finished or self.loader.is_fetching:
                finished, moved = count, now
            if begun is None:
                continue
            if now - max(moved, begun) > self.limit:
                waited = f"no loader worker finished an item in {now - moved:.0f} s"
                self.given_up = f"{waited}, so they were ended; {self.loader.held()}"
                _kill(self.batches)
                return
            if now - max(begun, spoken) > TALK:
                spoken = now
                what = "files from elsewhere" if self.loader.is_fetching else "the loader's workers"
                log.warning("waiting for %s for %.0f s; %s", what, now - begun, self.loader.held())


class _same_child_handler:  # noqa: N801  # used like a function
    """Keeps the process's handler of ended children.

    Torch sets one that raises wherever the process happens to be, in the middle of a step too. Without it the loader
    sees a dead worker when it waits for a batch, where it can say which item was held.
    """

    def __enter__(self) -> None:
        self.before = signal.getsignal(signal.SIGCHLD)

    def __exit__(self, *_: object) -> None:
        if self.before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, self.before)


def _kill(batches: Any) -> None:
    """End workers that do not answer: a stopped process does not see a polite signal, and is waited for at the end."""
    for worker in getattr(batches, "_workers", ()):
        worker.kill()
