"""Keeps what is dear to compute on disk, one SQLite file that any number of runs may share: outputs, prepared inputs.

An output lives in a space (a network's weights and everything before them) under the digest of an item's content, so a
changed weight, setting or file is simply not found. Spaces that nobody has used for a week make room for others.
"""

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER, LIMIT = "M5KIT_CACHE", "M5KIT_CACHE_GB"
"""Environment variables: where outputs are kept (``off`` keeps none), and how many gigabytes at most."""

DEFAULT_GB = 20.0
SAFE = 7 * 24 * 3600
"""Seconds since its last use before which a space is never removed: another run may be reading it."""

PACK = ("ids.npy", "offsets.npy", "features.npy", "boxes.npy")
"""The files of a pack."""

_TABLES = """
CREATE TABLE IF NOT EXISTS spaces (space TEXT PRIMARY KEY, used REAL NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outputs (space TEXT, content TEXT, tokens INTEGER, data BLOB, PRIMARY KEY (space, content));
"""

Array = NDArray[np.float16]
Row = tuple[str, int, bytes]
"""Content, number of tokens, data."""


@dataclass(frozen=True, slots=True)
class OutputStore:
    """One file of outputs; a copy that went to another process opens it anew.

    Attributes:
        path: the file.
        limit: most bytes of outputs.
    """

    path: Path
    limit: int

    @classmethod
    def from_environment(cls) -> "OutputStore | None":
        """The store that the environment names; None if it says ``off``."""
        folder = os.environ.get(FOLDER, "~/.cache/m5kit")
        if folder == "off":
            return None
        return cls(Path(folder).expanduser() / "outputs.sqlite", int(float(os.environ.get(LIMIT, DEFAULT_GB)) * 1e9))

    def begin(self, space: str) -> None:
        """Say that ``space`` is used from now on."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_TABLES)
            connection.execute(
                "INSERT INTO spaces VALUES (?, ?, 0) ON CONFLICT (space) DO UPDATE SET used = excluded.used",
                (space, time.time()),
            )

    def has(self, space: str, content: str) -> bool:
        """Whether an output is kept."""
        found = self._reader().execute("SELECT 1 FROM outputs WHERE space = ? AND content = ?", (space, content))
        return found.fetchone() is not None

    def get(self, space: str, content: str) -> Array | None:
        """An output ``l c``, or None if it is not kept."""
        found = self._find(space, content)
        return None if found is None else np.frombuffer(found[1], dtype=np.float16).reshape(found[0], -1)

    def put(self, space: str, outputs: Mapping[str, Array]) -> bool:
        """Keep outputs by content, all of them or, where the limit leaves no room, none.

        Returns:
            Whether they are kept.
        """
        return self._put(space, [(k, len(o), np.ascontiguousarray(o).tobytes()) for k, o in outputs.items()])

    def get_bytes(self, space: str, content: str) -> bytes | None:
        """What :meth:`put_bytes` kept, or None."""
        found = self._find(space, content)
        return None if found is None else found[1]

    def put_bytes(self, space: str, content: str, data: bytes) -> bool:
        """Keep anything that was made of one content; False where the limit leaves no room."""
        return self._put(space, [(content, 0, data)])

    @property
    def size(self) -> int:
        """Bytes of all outputs."""
        return int(self._reader().execute("SELECT COALESCE(SUM(bytes), 0) FROM spaces").fetchone()[0])

    def _find(self, space: str, content: str) -> tuple[int, bytes] | None:
        question = "SELECT tokens, data FROM outputs WHERE space = ? AND content = ?"
        found: tuple[int, bytes] | None = self._reader().execute(question, (space, content)).fetchone()
        return found

    def _put(self, space: str, rows: Sequence[Row]) -> bool:
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            fits = self._make_room(connection, space, sum(len(data) for *_, data in rows))
            if fits:
                _write(connection, space, rows)
            connection.execute("COMMIT")
        return fits

    def _make_room(self, connection: sqlite3.Connection, space: str, size: int) -> bool:
        """Remove spaces, the longest unused first, until ``size`` more bytes fit."""
        total = connection.execute("SELECT SUM(bytes) FROM spaces").fetchone()[0]
        old = connection.execute(
            "SELECT space, bytes FROM spaces WHERE space != ? AND used < ? ORDER BY used", (space, time.time() - SAFE)
        ).fetchall()
        if total + size - sum(freed for _, freed in old) > self.limit:
            return False
        for name, freed in old:
            if total + size <= self.limit:
                break
            connection.execute("DELETE FROM outputs WHERE space = ?", (name,))
            connection.execute("DELETE FROM spaces WHERE space = ?", (name,))
            total -= freed
        return True

    def _reader(self) -> sqlite3.Connection:
        place = (os.getpid(), self.path)
        if place not in _open:
            _open[place] = sqlite3.connect(self.path, timeout=60)
        return _open[place]


_open: dict[tuple[int, Path], sqlite3.Connection] = {}
"""Connections by process: one must not be used on the other side of a fork."""


def _write(connection: sqlite3.Connection, space: str, rows: Sequence[Row]) -> None:
    """Add what is not there yet; another run may have been quicker."""
    added = 0
    for row in rows:
        done = connection.execute("INSERT OR IGNORE INTO outputs VALUES (?, ?, ?, ?)", (space, *row))
        added += len(row[-1]) * done.rowcount
    connection.execute("UPDATE spaces SET bytes = bytes + ? WHERE space = ?", (added, space))


def digest_content(source: Any, root: Path) -> str:
    """Digest of what a manifest refers to: the reference itself and, if it names files, the bytes in them.

    Of ``path#ID``, one of many items in a file or a pack, it is size and time of change: reading the whole of it for
    each item would take longer than what is kept.

    Example:
        >>> digest_content("a red mug", Path()) == digest_content("a red mug", Path("elsewhere"))
        True
    """
    digest = hashlib.blake2b(json.dumps(source, sort_keys=True, default=str).encode(), digest_size=20)
    for each in source.values() if isinstance(source, Mapping) else [source]:
        _digest_file(each, root, digest)
    return digest.hexdigest()


def _digest_file(source: Any, root: Path, digest: "hashlib.blake2b") -> None:
    path = root / source if isinstance(source, str) and len(source) < 4096 and "\0" not in source else None
    try:
        if path is not None and path.is_file():
            with path.open("rb") as file:
                while part := file.read(1 << 20):
                    digest.update(part)
        elif path is not None and "#" in source:
            digest.update(json.dumps(_stamps(root / source.partition("#")[0])).encode())
    except OSError:  # a text too long for a file's name, or a file that decoding will complain about
        digest.update(b"unreadable")


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of change of a file, or of those of a pack; a text with ``#`` in it names neither."""
    files = filter(Path.is_file, [path, *(path / name for name in PACK)])
    return [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]


def digest_facts(facts: Iterable[Any]) -> str:
    """Digest of JSON data and of bytes, in order."""
    digest = hashlib.blake2b(digest_size=20)
    for fact in facts:
        digest.update(fact if isinstance(fact, bytes | memoryview) else json.dumps(fact, sort_keys=True).encode())
        digest.update(b"\0")
    return digest.hexdigest()
