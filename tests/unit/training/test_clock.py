"""Time before an interruption counts, the time between does not."""

from m5kit.training.clock import TrainClock


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
