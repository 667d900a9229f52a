"""Keeps a service's index the one that lies there: one that was built anew, added to, taken away or brought back."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

from m5kit.errors import IndexUnavailableError, M5KitError
from m5kit.index.index import Index
from m5kit.serve.media import ItemMedia

EVERY = 2.0
"""Seconds after which a request looks whether the index has changed; that takes milliseconds."""

LOOKED_AT = 500
"""Items whose files tell which kinds of files a modality reads."""

log = logging.getLogger("m5kit")


@dataclass(frozen=True, slots=True)
class Served:
    """One state of an index.

    Attributes:
        index: opened.
        media: the files of its items.
        accepts: kinds of files by modality.
    """

    index: Index
    media: ItemMedia
    accepts: dict[str, list[str]]

    @classmethod
    def of(cls, index: Index) -> "Served":
        """What is served of an index."""
        trained = index.run.trained
        links = trained.config.data.follow_links
        media = ItemMedia(index.about, trained.data.pipelines, Path(index.about.data), links)
        return cls(index, media, media.kinds([hit.row for hit in index.search(top=LOOKED_AT)]))


class Watch:
    """The index of a service as it is now. Its run stays, so an index that another run built is not served.

    Args:
        index: opened.
    """

    def __init__(self, index: Index) -> None:
        self._place, self._run, self._maker = index.store.place, index.run, index.about.fingerprint
        self._version, self._until = index.store.version(), time.monotonic() + EVERY
        self._looking = threading.Lock()
        self.last, self.trouble = Served.of(index), ""

    async def look(self) -> None:
        """See what has become of the index, if nobody has for some seconds."""
        if time.monotonic() >= self._until:
            await run_in_threadpool(self._look)

    @property
    def now(self) -> Served:
        """The index.

        Raises:
            IndexUnavailableError: it cannot be used now; the message names no place of this machine's disk.
        """
        if self.trouble:
            raise IndexUnavailableError(self.told)
        return self.last

    @contextmanager
    def asking(self) -> Iterator[Served]:
        """The index for one question, in a thread that may wait; if it fails, the next request looks again.

        Raises:
            IndexUnavailableError: it cannot be used now.
        """
        self._look()
        served = self.now
        try:
            yield served
        except IndexUnavailableError as error:
            self._until = 0.0
            raise IndexUnavailableError(self.told) from error

    @property
    def told(self) -> str:
        """What clients are told while the index cannot be used: the rest is for whoever runs the service."""
        name = Path(self._place).name
        return (
            f"the index {name} cannot be used now: it is gone, damaged, or was built by another run; "
            "it is served again as soon as it is back"
        )

    def _look(self) -> None:
        with self._looking:
            if time.monotonic() < self._until:
                return
            self._note(self._trouble())
            self._until = time.monotonic() + EVERY

    def _trouble(self) -> str:
        """Open the index anew if it has changed; returns why it cannot be used, empty if it can."""
        try:
            version = self.last.index.store.version()
            if version != self._version:
                self.last, self._version = Served.of(self._opened()), version
            else:
                self.last.index.search(top=1)
        except M5KitError as error:
            return str(error)
        return ""

    def _opened(self) -> Index:
        """The index that is there now.

        Raises:
            IndexUnavailableError: another run built it.
        """
        index = Index.open(self._place)
        if index.about.fingerprint != self._maker:
            raise IndexUnavailableError(
                f"the index {self._place} was built anew, by another run; start the service anew"
            )
        return Index(index.store, index.about, self._run)

    def _note(self, trouble: str) -> None:
        """Tell whoever runs the service what has changed, once."""
        if trouble and trouble != self.trouble:
            log.warning("not served: %s", trouble)
        elif self.trouble and not trouble:
            log.warning("the index %s is served again", self._place)
        self.trouble = trouble
