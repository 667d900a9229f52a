"""Time before an interruption counts, the time between does not."""

import time

from m5kit.training.clock import SharedClock, TrainClock


def test_it_goes_on_from_its_state():
    first = TrainClock()
    assert first.seconds == 0.0
    first.start()
    state = first.state_dict()
    assert state["seconds"] > 0
    second = TrainClock()
    second.load_state_dict({"seconds": 100.0})
    assert second.seconds == 100.0
    second.start()
    assert 100.0 < second.seconds < 101.0


def read_once_a_step(group):
    clock = SharedClock(group)
    if group.rank == 1:
        clock.load_state_dict({"seconds": 1000.0})  # it counts for nothing: the first process's clock does
    clock.start()
    readings = [clock.seconds]
    for _ in range(2):
        time.sleep(0.01)
        group.notice.tell(group.all_bytes(group.notice.own()).tolist())
        assert clock.seconds == readings[-1]
        clock.tick()
        readings.append(clock.seconds)
    return readings


def test_all_processes_read_the_clock_of_the_first(on_ranks):
    first, second = on_ranks(2, read_once_a_step)
    assert first == second == sorted(first)
    assert 0.02 <= first[-1] < 100.0
