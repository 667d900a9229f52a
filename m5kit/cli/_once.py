"""Lets a command say once what several of its steps come upon."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("m5kit", "m5kit.run")
"""A filter of a logger does not see what those below it log."""


class _Once(logging.Filter):
    """Drops a warning that was said about the same thing; see ``once`` of ``m5kit.runs.log``."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        about = getattr(record, "once", None)
        if about is None:
            return True
        fresh = about not in self._said
        self._said.add(about)
        return fresh


@contextmanager
def saying_once() -> Iterator[None]:
    """Inside of a ``with`` block, say each warning that is so marked once."""
    once = _Once()
    for name in LOGGERS:
        logging.getLogger(name).addFilter(once)
    try:
        yield
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(once)
