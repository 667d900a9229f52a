import pytest

from m5kit.data.remote import arrival
from m5kit.data.remote.arrival import Arrival
from m5kit.data.remote.trying import SlowServerError, WrongLengthError


def test_more_bytes_than_allowed_are_refused():
    counted = Arrival("a.tar", 100)
    counted.set_size(None)
    counted.relative_update(60)
    counted.relative_update(40)
    with pytest.raises(WrongLengthError, match=r"a\.tar sends more than the 100 bytes"):
        counted.relative_update(1)


def test_the_pace_is_that_of_the_last_period_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(arrival.time, "monotonic", lambda: now[0])
    counted = Arrival("a.tar", 10**9)
    counted.relative_update(10**8)
    now[0] = 61.0
    counted.relative_update()
    now[0] = 122.0
    with pytest.raises(SlowServerError, match="fewer than 1,000 bytes a second"):
        counted.relative_update(50_000)
