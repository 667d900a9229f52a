"""The log of a run: every line with its time, in the run folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from m5kit.data.files import open_own

LOGGER = logging.getLogger("m5kit.run")
LOGGER.setLevel(logging.INFO)
LOGGER.propagate = False


def once(what: object) -> dict[str, str]:
    """The ``extra`` of a warning that several steps of a command come to: the command says it once about ``what``."""
    return {"once": str(what)}


class _LogFile(logging.FileHandler):
    """A log in a folder that may come from somebody else."""

    def _open(self) -> IO[Any]:  # type: ignore[override]
        return open_own(Path(self.baseFilename), self.mode)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Append the messages of :data:`LOGGER` to ``path``, and the traceback of an error that ends the block."""
    handler = _LogFile(path, encoding="utf-8", delay=True)
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
