"""The log of a run: every line with its time, in the run folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOGGER = logging.getLogger("m5kit.run")
LOGGER.setLevel(logging.INFO)
LOGGER.propagate = False


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Append what :data:`LOGGER` is told, and the traceback of what goes wrong, to ``path``."""
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    try:
        yield
    except Exception:
        LOGGER.exception("the run failed")
        raise
    finally:
        LOGGER.removeHandler(handler)
        handler.close()
