"""The cache's file: SQLite, shared by any number of runs, limited in size.

An entry lives in a space (everything that decides what is made of an item: settings, weights, versions) under the
digest of the item's content, so a changed weight, setting or file is simply not found. Spaces that nobody has used for
a week make room for others.
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from m5kit.errors import M5KitError

log = logging.getLogger("m5kit")

FOLDER, LIMIT = "M5KIT_CACHE", "M5KIT_CACHE_GB"
"""Environment variables: the cache's folder (``off`` for no cache), and how many gigabytes it may hold."""

DEFAULT_GB = 20.0
SAFE = 7 * 24 * 3600
"""Seconds since its last use before which a space is never removed: another run may be reading it."""

TIMEOUT = 60.0
"""Seconds to wait for another process that writes."""

_TABLES = """
CREATE TABLE IF NOT EXISTS spaces (space TEXT PRIMARY KEY, used REAL NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries (space TEXT, content TEXT, data BLOB, PRIMARY KEY (space, content));
"""


class CacheError(M5KitError):
    """The cache's file cannot be used; what is in it can be made anew."""


@dataclass(frozen=True, slots=True)
class CacheStore:
    """One file of entries; a copy that went to another process opens it anew.

    Every method but :meth:`from_environment` raises :class:`CacheError` if the file cannot be read or written.

    Attributes:
        path: the file.
        limit: most bytes of entries.
    """

    path: Path
    limit: int

    @classmethod
    def from_environment(cls) -> "CacheStore | None":
        """The store that the environment names; None if it says ``off``."""
        folder = os.environ.get(FOLDER, "~/.cache/m5kit")
        if folder == "off":
            return None
        return cls(Path(folder).expanduser() / "cache.sqlite", int(float(os.environ.get(LIMIT, DEFAULT_GB)) * 1e9))

    def open_space(self, space: str) -> None:
        """Make ``space`` if need be and note that it is in use; a damaged file is set aside and replaced."""
        try:
            with _explained(self.path):
                self._note_use(space)
        except CacheError as error:
            if not _is_damage(error.__cause__):
                raise
            self.close()
            log.warning("%s; it was renamed to %s and the cache begins anew", error, _set_aside(self.path))
            with _explained(self.path):
                self._note_use(space)

    def has(self, space: str, content: str) -> bool:
        """Whether there is an entry."""
        return bool(self._query("SELECT 1 FROM entries WHERE space = ? AND content = ?", space, content))

    def get(self, space: str, content: str) -> bytes | None:
        """An entry, or None if there is none."""
        found = self._query("SELECT data FROM entries WHERE space = ? AND content = ?", space, content)
        return None if found is None else found[0]

    def put(self, space: str, entries: Mapping[str, bytes]) -> bool:
        """Add entries by content, all of them or, where the limit leaves no room, none.

        Returns:
            Whether they were added.
        """
        with _explained(self.path):
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            with connection:  # commits, or rolls back what an error left half done
                fits = self._make_room(connection, space, sum(map(len, entries.values())))
                if fits:
                    _write(connection, space, entries)
        return fits

    def close(self) -> None:
        """Close the file in this process; whatever is asked next opens it again."""
        connection = _open.pop((os.getpid(), self.path), None)
        if connection is not None:
            connection.close()

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        found = self._query("SELECT COALESCE(SUM(bytes), 0) FROM spaces")
        return int(found[0]) if found else 0

    def _note_use(self, space: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connection()
        _log_ahead(connection)
        connection.executescript(_TABLES)
        connection.execute(
            "INSERT INTO spaces VALUES (?, ?, 0) ON CONFLICT (space) DO UPDATE SET used = excluded.used",
            (space, time.time()),
        )

    def _make_room(self, connection: sqlite3.Connection, space: str, size: int) -> bool:
        """Remove spaces, the longest unused first, until ``size`` more bytes fit."""
        total = connection.execute("SELECT COALESCE(SUM(bytes), 0) FROM spaces").fetchone()[0]
        unused = connection.execute(
            "SELECT space, bytes FROM spaces WHERE space != ? AND used < ? ORDER BY used", (space, time.time() - SAFE)
        ).fetchall()
        if total + size - sum(freed for _, freed in unused) > self.limit:
            return False
        for name, freed in unused:
            if total + size <= self.limit:
                break
            connection.execute("DELETE FROM entries WHERE space = ?", (name,))
            connection.execute("DELETE FROM spaces WHERE space = ?", (name,))
            total -= freed
        return True

    def _query(self, question: str, *values: str) -> tuple[bytes, ...] | None:
        """The first row of the answer."""
        with _explained(self.path):
            found: tuple[bytes, ...] | None = self._connection().execute(question, values).fetchone()
            return found

    def _connection(self) -> sqlite3.Connection:
        # a connection must not be used on the other side of a fork, so each process opens its own
        place = (os.getpid(), self.path)
        if place not in _open:
            _open[place] = sqlite3.connect(self.path, timeout=TIMEOUT, isolation_level=None)
            # the last entries may be lost with the power; waiting for the disk at each would take 30 ms an item
            _open[place].execute("PRAGMA synchronous=NORMAL")
        return _open[place]


_open: dict[tuple[int, Path], sqlite3.Connection] = {}
"""Connections by process and file."""


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Begin a write-ahead log, with which one that writes does not keep the workers of others from reading.

    SQLite refuses at once, whatever its timeout, where another process begins one at the same moment, as the processes
    of a run do that find no file yet. So it is asked again.
    """
    ends = time.monotonic() + TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
        time.sleep(0.01)


def _write(connection: sqlite3.Connection, space: str, entries: Mapping[str, bytes]) -> None:
    """Add what is not there yet; another run may have been quicker."""
    added = 0
    for content, data in entries.items():
        done = connection.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", (space, content, data))
        added += len(data) * done.rowcount
    connection.execute("UPDATE spaces SET bytes = bytes + ? WHERE space = ?", (added, space))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system complain about into one sentence."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        trouble = "is damaged" if _is_damage(error) else "cannot be used"
        raise CacheError(f"the cache {path} {trouble} ({error})") from error


def _is_damage(error: BaseException | None) -> bool:
    # a locked, full or read-only file is an OperationalError, which is a DatabaseError too
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _set_aside(path: Path) -> Path:
    """Rename a damaged file, for people to look at, and forget about its log."""
    aside = path.with_name(f"{path.name}.damaged")
    path.replace(aside)
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return aside
