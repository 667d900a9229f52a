"""Dynamic batching: items of requests that wait at the same time go through the model together."""

import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")
Item = Mapping[str, Any]

WORKERS = 1 if (os.cpu_count() or 1) <= 2 else 2
"""Threads that work on batches: one decodes the files of a batch while the other's is in the model. On two cores, which
the requests need as well, batches only become smaller by it."""

GATHER = 0.05
"""Seconds that a batch waits at most for its share of the items that are asked for."""

GAP = 0.008
"""Seconds without a new request after which it goes with what it has: those who would ask again have done so. Longer
than Python's threads wait for each other (5 ms), or a batch in the model would end the next one's gathering."""

QUICK = 0.05
"""Seconds below which a batch is mostly the price of a batch: it is better to have one than one for each thread."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Answer]):
    items: Sequence[Item]
    future: "Future[list[Answer]]"


class _Crowd:
    """The recent load: how many items were asked for at the same time during the last two batches."""

    def __init__(self) -> None:
        self._now, self._most, self._most_before = 0, 0, 0
        self.quick = True  # whether the batch before was
        self._changing = threading.Lock()

    def change(self, items: int) -> None:
        """Note ``items`` more that are asked for; negative once they are answered."""
        with self._changing:
            self._now += items
            self._most = max(self._most, self._now)

    def share(self) -> int:
        """What a batch should have of the most that were asked for during the last two batches.

        All of them if batches are quick. Otherwise each of WORKERS has a part, so that one decodes while one computes.
        """
        with self._changing:
            most = max(self._most, self._most_before)
            self._most_before, self._most = self._most, self._now
            return most if self.quick else -(-most // WORKERS)


class Batcher(Generic[Answer]):
    """Hands items of several callers to one function at once.

    While a batch is computed, further requests gather, so batches grow with the load by themselves. Callers that were
    just answered ask again within milliseconds. A batch waits for them, as long as they keep coming, until it has its
    share of all items that are asked for: a batch of the first that is back costs almost as much as a full one. A
    caller that is alone waits for nobody.

    Args:
        answer: gives one answer an item, in order.
        size: of a batch; the items of one request stay together, so a larger request is a batch of its own.
        observe: gets the number of items of each batch.
    """

    def __init__(
        self, answer: Callable[[Sequence[Item]], Sequence[Answer]], size: int, observe: Callable[[int], None]
    ) -> None:
        self._answer, self._size, self._observe = answer, size, observe
        self._queue: queue.Queue[_Waiting[Answer] | None] = queue.Queue()
        self._taking = threading.Lock()
        self._left: _Waiting[Answer] | None = None
        self._crowd = _Crowd()
        self._threads = [threading.Thread(target=self._work, name=f"m5kit-batch-{n}") for n in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def submit(self, items: Sequence[Item]) -> "Future[list[Answer]]":
        """The answers of some items, later; cancel the future if nobody waits for it any more."""
        future: Future[list[Answer]] = Future()
        self._crowd.change(len(items))
        self._queue.put(_Waiting(items, future))
        return future

    @property
    def waiting(self) -> int:
        """Requests that no thread has taken yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """Answer what waits, then stop."""
        self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._take():
            items = [item for each in batch for item in each.items]
            self._observe(len(items))
            begin = time.monotonic()
            try:
                answers = list(self._answer(items))
            except BaseException as error:
                # one request must not end the thread that answers all others
                for each in batch:
                    each.future.set_exception(error)
                continue
            finally:
                self._crowd.change(-len(items))
                self._crowd.quick = time.monotonic() - begin < QUICK
            for each in batch:
                each.future.set_result(answers[: len(each.items)])
                del answers[: len(each.items)]

    def _take(self) -> list[_Waiting[Answer]]:
        """The next requests whose items fit into a batch; none once everything is answered and closed."""
        with self._taking:
            batch: list[_Waiting[Answer]] = []
            count, until = 0, 0.0
            share = min(self._size, self._crowd.share())
            while (found := self._next(self._patience(count, share, until))) is not None:
                if batch and count + len(found.items) > self._size:
                    self._left = found
                    break
                if not found.future.set_running_or_notify_cancel():
                    self._crowd.change(-len(found.items))  # the client has gone
                    continue
                until = until or time.monotonic() + GATHER
                batch.append(found)
                count += len(found.items)
            return batch

    def _patience(self, count: int, share: int, until: float) -> float | None:
        """Seconds to wait for one more request; None for as long as it takes, while the batch is empty."""
        if not count:
            return None
        return min(GAP, max(0.0, until - time.monotonic())) if count < share else 0.0

    def _next(self, patience: float | None) -> _Waiting[Answer] | None:
        """The request that did not fit last time, or the next of the queue; None if none comes in time."""
        if self._left is not None:
            found, self._left = self._left, None
            return found
        try:
            taken = self._queue.get(timeout=patience) if patience != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
        if taken is None:
            self._queue.put(None)  # for the other threads
        return taken
