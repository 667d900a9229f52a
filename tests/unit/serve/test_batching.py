import threading
import time

import pytest

from m5kit.serve import batching
from m5kit.serve.batching import WORKERS, Batcher, _Crowd


@pytest.fixture
def gate():
    return threading.Event()


@pytest.fixture
def batches():
    return []


@pytest.fixture
def batcher(gate, batches, monkeypatch):
    """Answers the number of each item, doubled; the first batches wait for the gate, and none for more items."""
    monkeypatch.setattr(batching, "GATHER", 0.0)

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


def test_a_batch_waits_for_those_who_were_just_answered(monkeypatch):
    monkeypatch.setattr(batching, "GATHER", 30.0)  # it ends when the share is there, long before
    sizes, entered, gate = [], threading.Event(), threading.Event()

    def answer(items):
        sizes.append(len(items))
        entered.set()
        gate.wait(10)
        return [item["n"] for item in items]

    monkeypatch.setattr(batching, "WORKERS", 1)
    crowd = Batcher(answer, 16, lambda size: None)
    first = crowd.submit([{"n": 0}])
    entered.wait(10)
    rest = [crowd.submit([{"n": n}]) for n in (1, 2, 3)]  # four at once, while the first is computed
    gate.set()
    assert first.result(10) == [0]
    rest.append(crowd.submit([{"n": 4}]))  # whoever was answered asks again
    assert [future.result(10) for future in rest] == [[1], [2], [3], [4]]
    crowd.close()
    assert sizes == [1, 4]


def test_a_caller_that_is_alone_waits_for_nobody(monkeypatch):
    monkeypatch.setattr(batching, "GATHER", 600.0)  # it would be noticed
    alone = Batcher(lambda items: [item["n"] for item in items], 16, lambda size: None)
    assert [alone.submit([{"n": n}]).result(10) for n in range(5)] == [[0], [1], [2], [3], [4]]
    alone.close()


def test_a_share_is_all_that_are_asked_for_or_a_part_where_batches_are_slow():
    crowd = _Crowd()
    crowd.change(8)
    assert crowd.share() == 8
    crowd.quick = False
    assert crowd.share() == -(-8 // WORKERS)
    crowd.change(-8)
    lately = [crowd.share() for _ in range(3)]
    assert lately == [-(-8 // WORKERS), -(-8 // WORKERS), 0]
