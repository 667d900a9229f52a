"""Follows the bytes of a file while they arrive: what is larger than it may be, or hardly comes, is stopped."""

import time

from fsspec.callbacks import Callback

from m5kit.data.remote.trying import SlowServerError, WrongLengthError

PERIOD = 60.0
"""Seconds over which the pace is measured."""

SLOWEST = 1000
"""Bytes a second below which a server is taken for one that is out of order."""


class Arrival(Callback):  # type: ignore[misc]  # fsspec is not typed
    """What fsspec tells how many bytes have come.

    Args:
        name: of the file, for messages.
        most: bytes that it may have.
    """

    def __init__(self, name: str, most: int) -> None:
        super().__init__()
        self._name = name
        self._most = most
        self._period_began = time.monotonic()
        self._value_then = 0

    def set_size(self, size: int | None) -> None:
        """Take note of the length that the answer announces, in bytes.

        Raises:
            WrongLengthError: it is too much, which need not be waited for.
        """
        self._check_size(size or 0)

    def relative_update(self, inc: int = 1) -> None:
        """Take note of ``inc`` more bytes.

        Raises:
            WrongLengthError: there are too many.
            SlowServerError: they come too slowly.
        """
        self.value += inc
        self._check_size(self.value)
        self._check_pace()

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise WrongLengthError(f"{self._name} sends more than the {self._most:,} bytes that it may have")

    def _check_pace(self) -> None:
        """Look at the pace once a period: a server that keeps a connection open for days would stop a run silently."""
        passed = time.monotonic() - self._period_began
        if passed < PERIOD:
            return
        if self.value - self._value_then < SLOWEST * passed:
            raise SlowServerError(f"it sends fewer than {SLOWEST:,} bytes a second")
        self._period_began, self._value_then = time.monotonic(), self.value
