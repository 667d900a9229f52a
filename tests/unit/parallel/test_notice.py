"""Facts of all processes, in bytes and back."""

from m5kit.parallel.notice import Notice


def test_the_largest_signal_and_the_first_clock_are_told():
    first, second = Notice(signal=0, clock=lambda: 2.5), Notice(signal=15, clock=lambda: 99.0)
    rows = [each.own().tolist() for each in (first, second)]
    first.tell(rows)
    assert (first.told_signal, first.told_seconds) == (15, 2.5)
    assert (first.signal, second.told_signal) == (0, 0)
