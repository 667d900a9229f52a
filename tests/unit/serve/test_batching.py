import threading
import time

import pytest

from m5kit.serve.batching import WORKERS, Batcher


@pytest.fixture
def gate():
    return threading.Event()


@pytest.fixture
def batches():
    return []


@pytest.fixture
def batcher(gate, batches):
    """Answers the number of each item, doubled; the first batches wait for the gate."""

    def answer(items):
        gate.wait(10)
        if any(item["n"] < 0 for item in items):
            raise ValueError("a negative number")
        return [2 * item["n"] for item in items]

    made = Batcher(answer, 4, batches.append)
    yield made
    gate.set()
    made.close()


def fill(batcher):
    """Keep every thread busy, so that what follows waits; one after another, or one thread would take both."""
    for _ in range(WORKERS):
        batcher.submit([{"n": 100}])
        while batcher.waiting:
            time.sleep(0.001)


def test_requests_that_wait_together_are_answered_together_each_its_own(batcher, gate, batches):
    fill(batcher)
    futures = [batcher.submit([{"n": n}, {"n": n + 1}]) for n in range(5)]
    gate.set()
    assert [future.result(10) for future in futures] == [[2 * n, 2 * n + 2] for n in range(5)]
    assert sorted(batches) == [*[1] * WORKERS, 2, 4, 4]


def test_a_request_larger_than_a_batch_stays_whole(batcher, gate, batches):
    fill(batcher)
    future = batcher.submit([{"n": n} for n in range(9)])
    gate.set()
    assert future.result(10) == list(range(0, 18, 2))
    assert 9 in batches


def test_an_error_reaches_those_who_asked_and_the_next_are_answered(batcher, gate):
    gate.set()
    with pytest.raises(ValueError, match="negative"):
        batcher.submit([{"n": -1}]).result(10)
    assert batcher.submit([{"n": 3}]).result(10) == [6]


def test_nobody_computes_for_a_client_that_has_gone(batcher, gate, batches):
    fill(batcher)
    gone, stays = batcher.submit([{"n": 1}]), batcher.submit([{"n": 2}])
    assert gone.cancel()
    gate.set()
    assert stays.result(10) == [4]
    assert batches == [1] * (WORKERS + 1)


def test_closing_answers_what_waits(gate, batches):
    made = Batcher(lambda items: [item["n"] for item in items], 2, batches.append)
    futures = [made.submit([{"n": n}]) for n in range(50)]
    made.close()
    assert [future.result(0) for future in futures] == [[n] for n in range(50)]
