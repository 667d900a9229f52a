import os
import resource
import signal
import sys
import time
from contextlib import suppress

import pytest

from m5kit.data.limits import ItemTimeoutError, allow_open_files, limit_memory, time_limit, without_limit
from m5kit.errors import DecodeError


def test_what_takes_too_long_is_interrupted_also_where_exceptions_are_swallowed():
    begun = time.monotonic()
    with pytest.raises(ItemTimeoutError, match=r"longer than data\.item_seconds=0\.05"), time_limit(0.05):
        _stubborn()
    assert time.monotonic() - begun < 10
    with time_limit(0.01):
        pass
    time.sleep(0.05)  # no alarm is left
    with time_limit(None):
        pass


def _stubborn():
    with suppress(DecodeError):
        time.sleep(20)
    time.sleep(20)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_process_over_its_memory_gets_an_error_and_lives_on():
    child = os.fork()
    if child == 0:
        limit_memory(0.05)
        try:
            bytearray(200 * 2**20)
        except MemoryError:
            bytearray(2**20)
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_without_workers_the_limit_holds_too_unless_the_alarm_is_taken(monkeypatch):
    with pytest.raises(ItemTimeoutError, match=r"longer than data.item_seconds=0.05"), time_limit(0.05):
        time.sleep(5)
    monkeypatch.setattr(signal, "getsignal", lambda number: lambda *_: None)
    with time_limit(0.05):
        time.sleep(0.1)


def test_the_clock_stops_while_something_else_is_awaited():
    with time_limit(0.2), without_limit():
        time.sleep(0.3)
    with pytest.raises(ItemTimeoutError), time_limit(0.2):
        _waiting_first()


def _waiting_first():
    with without_limit():
        pass
    time.sleep(20)


def test_as_many_files_may_be_open_as_the_machine_allows(monkeypatch):
    limits = {resource.RLIMIT_NOFILE: (1024, 4096)}
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    assert allow_open_files(2000)
    assert limits == {resource.RLIMIT_NOFILE: (4096, 4096)}
    assert not allow_open_files(5000)
    limits[resource.RLIMIT_NOFILE] = (256, resource.RLIM_INFINITY)
    assert allow_open_files(5000)
    assert limits == {resource.RLIMIT_NOFILE: (5000, 5000)}
