"""Dynamic batching: items of requests that wait at the same time go through the model together."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")
Item = Mapping[str, Any]

WORKERS = 2
"""Threads that work on batches: one decodes the files of a batch while the other's is in the model."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Answer]):
    items: Sequence[Item]
    future: "Future[list[Answer]]"


class Batcher(Generic[Answer]):
    """Hands items of several callers to one function at once; nobody waits for a batch to fill.

    While a batch is computed, further requests gather, so batches grow with the load by themselves.

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
        self._threads = [threading.Thread(target=self._work, name=f"m5kit-batch-{n}") for n in range(WORKERS)]
        for thread in self._threads:
            thread.start()

    def submit(self, items: Sequence[Item]) -> "Future[list[Answer]]":
        """The answers of some items, later; cancel the future if nobody waits for it any more."""
        future: Future[list[Answer]] = Future()
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
            try:
                answers = list(self._answer(items))
            except BaseException as error:
                # one request must not end the thread that answers all others
                for each in batch:
                    each.future.set_exception(error)
                continue
            for each in batch:
                each.future.set_result(answers[: len(each.items)])
                del answers[: len(each.items)]

    def _take(self) -> list[_Waiting[Answer]]:
        """The next requests whose items fit into a batch; none once everything is answered and closed."""
        with self._taking:
            batch: list[_Waiting[Answer]] = []
            count = 0
            while True:
                found = self._next(block=not batch)
                if found is None:
                    return batch
                if batch and count + len(found.items) > self._size:
                    self._left = found
                    return batch
                if found.future.set_running_or_notify_cancel():  # False where the client has gone
                    batch.append(found)
                    count += len(found.items)

    def _next(self, block: bool) -> _Waiting[Answer] | None:
        """The request that did not fit last time, or the next of the queue; None if there is none now."""
        if self._left is not None:
            found, self._left = self._left, None
            return found
        try:
            taken = self._queue.get(block)
        except queue.Empty:
            return None
        if taken is None:
            self._queue.put(None)  # for the other threads
        return taken
